"""Parts of pages that ask for themselves again, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, Page, expect

from delivery import proofing
from delivery.models import Proof
from newsletter.models import Issue
from tests import factories


@pytest.fixture
def page(chrome: Browser, transactional_db: None, live_server) -> Iterator[Page]:
    """Of test mails, one of which is on its way."""
    boss = User.objects.create_superuser("boss", password="courant", first_name="Bo", last_name="Lund")
    issue: Issue = factories.issue(factories.newsletter())
    proofing.ask(issue, addresses=["desk@example.com"], by=boss)
    context = chrome.new_context()
    context.set_default_timeout(10_000)
    found = context.new_page()
    found.goto(f"{live_server.url}/admin/login/?next=/admin/desk/issues/{issue.pk}/test/")
    found.locator("#id_username").fill("boss")
    found.locator("#id_password").fill("courant")
    found.locator("#id_password").press("Enter")
    expect(found.locator("#proofs")).to_contain_text("by Bo Lund")
    yield found
    context.close()


def test_steps_above_tell_of_a_test_that_has_settled(page: Page) -> None:
    step = page.locator(".step", has_text="Test")
    expect(step).to_contain_text("no test mail yet")

    Proof.objects.update(state="sent")

    expect(step).to_contain_text("of this text")
    expect(page.locator("#steps")).to_have_count(1)
    expect(page.locator("#proofs")).to_contain_text("You have a test of the text as it stands now.")


def test_session_that_ended_leads_to_the_login_and_back(page: Page) -> None:
    here = page.url

    Session.objects.all().delete()

    expect(page).to_have_url(re.compile(r"/admin/login/\?next=/admin/desk/issues/\d+/test/$"))
    page.locator("#id_username").fill("boss")
    page.locator("#id_password").fill("courant")
    page.locator("#id_password").press("Enter")
    expect(page).to_have_url(here)
