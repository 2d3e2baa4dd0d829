"""The send page in a real browser: what it does by itself, by keyboard, and without scripts."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from delivery.models import Plan
from newsletter.models import Issue
from tests import factories

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def issue(chrome: Browser, transactional_db: None) -> Issue:
    User.objects.create_superuser("boss", password="courant")
    found = factories.issue(factories.newsletter(time_zone="Europe/London"))
    factories.cast(found.newsletter)
    factories.accept_warnings(found)
    return found


def opened(chrome: Browser, live_server, issue: Issue, *, dark: bool = False, scripts: bool = True) -> Page:
    context = chrome.new_context(
        viewport=PHONE,
        color_scheme="dark" if dark else "light",
        timezone_id="Europe/Berlin",
        java_script_enabled=scripts,
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/login/?next=/admin/desk/issues/{issue.pk}/send/")
    page.locator("#id_username").fill("boss")
    page.locator("#id_password").fill("courant")
    page.locator("#id_password").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Send")
    return page


def findings(page: Page) -> list[str]:
    return [each["id"] for each in Axe().run(page).response["violations"]]


def test_time_is_chosen_sent_by_keyboard_counted_down_and_undone(chrome: Browser, live_server, issue) -> None:
    page = opened(chrome, live_server, issue)

    page.get_by_label("Day and time").fill("2126-01-12T06:30")
    expect(page.get_by_label("Another time")).to_be_checked()
    expect(page.locator("#decision")).to_contain_text("On Saturday 12 January 2126 at 06:30 (Europe/London)")
    expect(page.locator("#decision")).to_contain_text("07:30 AM (Europe/Berlin) then.")
    chosen = findings(page)
    page.get_by_label("Now").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Send to 1 reader").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("timer")).to_have_text(re.compile("Goes out in 5[0-8] s"))
    planned = findings(page)
    page.get_by_role("button", name="Undo").press("Enter")

    expect(page.get_by_text("It is a draft again. Nothing was sent.")).to_be_visible()
    issue.refresh_from_db()
    assert (issue.status, chosen, planned) == ("draft", [], [])
    page.context.close()


def test_page_works_without_scripts_and_in_the_dark(chrome: Browser, live_server, issue) -> None:
    page = opened(chrome, live_server, issue, dark=True, scripts=False)

    page.get_by_label("Another time").check()
    page.get_by_label("Day and time").fill("2126-01-12T06:30")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("button", name="Schedule for Saturday 12 January 2126 at 06:30").click()
    page.get_by_role("button", name="Take back").click()

    expect(page.get_by_text("It is a draft again. Nothing was sent.")).to_be_visible()
    assert Plan.objects.get().ended_because == "boss took it back."
    page.context.close()
