"""A reader's whole way in a browser that keeps no cookie at all, as some mail programs and careful people have it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from subscribers import letters, sign_ups
from subscribers.models import Letter, SignUp, Subscription
from tests import factories
from tests.services import chromium

NO_COOKIES = {"profile": {"default_content_setting_values": {"cookies": 2}}}
BIG = ".note form .btn-big"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    folder: Path = tmp_path_factory.mktemp("browser")
    (folder / "Default").mkdir()
    (folder / "Default" / "Preferences").write_text(json.dumps(NO_COOKIES))
    # Playwright's loop runs in this thread, and Django would refuse its ORM to whoever has one.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        running = playwright.chromium.launch_persistent_context(
            folder, executable_path=chromium(), args=["--no-sandbox"]
        )
        running.set_default_timeout(10_000)
        yield running
        running.close()


def mailed(purpose: str) -> str:
    """As the worker does: take in what was posted, send what is due. The path behind the last such link."""
    for row in SignUp.objects.all():
        sign_ups.take_in(row.pk)
    for letter in Letter.objects.due(timezone.now()):
        letters.send_due(letter.pk, now=timezone.now())
    found = re.findall(rf"/s/{purpose}/\S+", "\n".join(str(message.body) for message in mail.outbox))
    return str(found[-1])


def post_an_address(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_timeout(2100)  # as fast as that only machines are
    page.fill("input[name=email]", "ada@example.com")
    page.click(BIG)


def test_everything_works_without_cookies(
    transactional_db: None, context: BrowserContext, live_server
) -> None:
    factories.newsletter("daily")
    page, url = context.new_page(), live_server.url
    page.goto(f"{url}/admin/login/")
    page.locator("form").evaluate("form => form.submit()")
    expect(page.get_by_text("kept our cookie back")).to_be_visible()  # or this test would show nothing

    post_an_address(page, f"{url}/daily/subscribe/")
    page.goto(f"{url}{mailed('confirm')}")
    page.click(BIG)
    reader = Subscription.objects.get()
    assert reader.status == "active"

    post_an_address(page, f"{url}/your-subscriptions/")
    page.goto(f"{url}{mailed('manage')}")
    page.fill("input[name=first_name]", "Ada")
    page.click("form[action*='/you/'] button")
    expect(page.get_by_role("status")).to_have_text("Saved.")
    page.click("form[action*='/leave/'] button")
    expect(page.get_by_text("You left on")).to_be_visible()
    reader.refresh_from_db()
    assert (reader.status, reader.subscriber.first_name) == ("unsubscribed", "Ada")
    assert context.cookies() == []
