"""Leaving and coming back in a real browser: on a phone, by keyboard alone, without scripts, in both directions."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from subscribers import tokens
from subscribers.models import ConsentEvent, Subscription
from tests import factories

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def reader(chrome: Browser, transactional_db: None) -> Subscription:
    daily = factories.newsletter(digest_day=5, offers_weekdays=True)
    return factories.subscription(daily, "ada@example.com")


def opened(chrome: Browser, live_server, reader: Subscription, *, scripts: bool, query: str = "") -> Page:
    context = chrome.new_context(viewport=PHONE, java_script_enabled=scripts)
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto(f"{live_server.url}/s/unsubscribe/{tokens.unsubscribe_token(reader.pk)}{query}")
    return page


def press(page: Page, name: str) -> None:
    """By keyboard alone: from the top of the page to the button, and Enter."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator(":focus").count() and page.locator(":focus").inner_text().strip() == name:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"The keyboard does not reach {name!r}.")


def test_leaving_saying_why_and_coming_back_by_keyboard_without_scripts(
    chrome: Browser, live_server, reader: Subscription
) -> None:
    page = opened(chrome, live_server, reader, scripts=False)
    heading = page.get_by_role("heading", level=1)

    press(page, "Unsubscribe")
    expect(heading).to_have_text("Done. You are unsubscribed.")
    press(page, "Will you tell us why? You need not.")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    press(page, "Send")
    expect(page.get_by_role("status")).to_have_text("Thank you. Somebody reads it.")
    press(page, "One mail a week instead")
    expect(heading).to_have_text("Once a week it is")

    reader.refresh_from_db()
    kinds = list(ConsentEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert (reader.status, reader.frequency) == ("active", "weekly")
    assert kinds == ["left", "reason", "came_back", "frequency"]
    assert page.context.cookies() == []
    page.context.close()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_page_of_leaving_fits_a_phone_and_is_clean(
    chrome: Browser, live_server, reader: Subscription, language: str
) -> None:
    page = opened(chrome, live_server, reader, scripts=True, query=f"?language={language}")
    found = [looked_at(page)]

    page.locator("button[value=month]").click()
    found.append(looked_at(page))
    page.locator("a[href*='/s/unsubscribe/']").click()
    page.locator(".btn-big").click()
    page.locator(".why summary").click()
    found.append(looked_at(page))
    page.locator(".undo button").click()
    found.append(looked_at(page))

    direction = "rtl" if language == "ar" else "ltr"
    assert found == [(direction, [], True)] * 4
    page.context.close()


def looked_at(page: Page) -> tuple[str, list[str], bool]:
    """Its direction, what axe finds, and whether it fits."""
    page.wait_for_load_state()
    faults = [each["id"] for each in Axe().run(page).response["violations"]]
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return page.locator("html").get_attribute("dir") or "", faults, fits
