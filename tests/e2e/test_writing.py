"""Writing in a real browser: a reload, two people, a lost connection, a crash, an old revision."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import Installation
from tests.e2e.writer import Writer

SERIOUS = {"serious", "critical"}
SAVED = re.compile(r"^Saved \d\d:\d\d$")


def log_in(courant: Installation, page: Page, *, to: str) -> None:
    page.goto(f"{courant.url}/admin/login/?next={to}")
    page.get_by_label("Username").fill("editor")
    page.get_by_label("Password").fill("courant")
    page.get_by_role("button", name="Log in").click()


def saved(page: Page) -> None:
    expect(page.locator("[data-save-state]")).to_have_text(SAVED)


def new_issue(courant: Installation, page: Page, *, subject: str) -> str:
    log_in(courant, page, to="/admin/newsletter/issue/add/")
    page.get_by_role("textbox", name="Text of the issue").click()
    page.keyboard.type("Words that nobody saved.")
    page.get_by_label("Subject").fill(subject)
    saved(page)
    return page.url


def test_new_issue_saves_itself_and_is_there_after_a_reload(courant: Installation, page: Page) -> None:
    url = new_issue(courant, page, subject="Saved by itself")

    page.reload()

    assert re.fullmatch(r".*/issue/\d+/change/", url)
    expect(page.get_by_label("Subject")).to_have_value("Saved by itself")
    expect(page.get_by_role("textbox", name="Text of the issue")).to_have_text("Words that nobody saved.")
    expect(page.get_by_label("Address on the site")).to_have_value("saved-by-itself")


def test_new_issue_has_its_steps_checks_and_revisions_at_once(courant: Installation, page: Page) -> None:
    new_issue(courant, page, subject="What every issue has")

    expect(page.locator(".titles-and-tools").get_by_role("link", name="Revisions")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(r"things? (to look at|in the way)"))).to_be_visible()
    page.get_by_role("navigation", name="From the text to the report").get_by_role(
        "link", name="Test"
    ).click()

    expect(page.get_by_role("heading", name="What every issue has")).to_be_visible()


def test_wrong_address_stays_where_it_was_typed(courant: Installation, page: Page) -> None:
    new_issue(courant, page, subject="An address")
    address = page.get_by_label("Address on the site")

    address.fill("no address!")

    expect(page.get_by_text("Enter a valid “slug”")).to_be_visible()
    expect(address).to_have_value("no address!")


def test_next_new_issue_begins_empty_and_keeps_what_is_typed_at_once(
    courant: Installation, page: Page
) -> None:
    log_in(courant, page, to="/admin/newsletter/issue/add/")
    page.get_by_label("Subject").fill("Saved by hand")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_be_visible()
    page.wait_for_load_state()  # with its scripts: they forget what was kept until it was saved

    page.goto(f"{courant.url}/admin/newsletter/issue/add/")
    page.keyboard.type("The next one, at once")

    expect(page.get_by_label("Subject")).to_have_value("The next one, at once")
    expect(page.locator("[data-writing-notices]")).to_be_empty()
    saved(page)


def test_second_of_two_is_told_compares_and_chooses(
    courant: Installation, browser: Browser, page: Page
) -> None:
    url = new_issue(courant, page, subject="Two of us")
    second = browser.new_context().new_page()
    log_in(courant, second, to=url.removeprefix(courant.url))
    expect(second.get_by_text("You have this open in another tab")).to_be_visible()
    second.get_by_label("Preheader").fill("Theirs")
    saved(second)
    page.get_by_label("Preheader").fill("Mine")
    expect(page.get_by_text("Yours is kept, and no longer saved by itself.").first).to_be_visible()

    page.get_by_role("button", name="Compare and choose").click()
    expect(page.locator(".comparison del")).to_have_text("Theirs")
    expect(page.locator(".comparison ins")).to_have_text("Mine")
    page.get_by_role("button", name="Keep mine as a new revision").click()

    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    expect(page.get_by_label("Preheader")).to_have_value("Mine")
    page.get_by_label("Preheader").fill("Mine, and on it goes")
    saved(page)
    second.context.close()


def test_lost_connection_and_lost_session_lose_no_words(courant: Installation, page: Page) -> None:
    url = new_issue(courant, page, subject="Storm")
    context: BrowserContext = page.context
    preheader = page.get_by_label("Preheader")

    context.set_offline(True)
    preheader.fill("Written without a connection")
    expect(page.locator("[data-save-state]")).to_contain_text("the connection is lost")
    context.set_offline(False)
    saved(page)
    context.clear_cookies(name="sessionid")
    preheader.fill("Written while logged out")
    expect(page.locator("[data-save-state]")).to_contain_text("you are logged out")
    other = context.new_page()
    log_in(courant, other, to=url.removeprefix(courant.url))
    expect(other.get_by_label("Preheader")).to_be_visible()  # a page that is closed on its way may never be
    other.close()
    saved(page)
    page.get_by_role("textbox", name="Text of the issue").click()
    Writer(page).paste(files=[("bridge.png", "image/png", 70)])
    page.get_by_role("dialog", name="What does this picture show?").get_by_role(
        "button", name="Cancel"
    ).click()
    saved(page)

    page.reload()
    expect(preheader).to_have_value("Written while logged out")


def test_words_of_a_page_that_crashed_are_offered_again(courant: Installation, page: Page) -> None:
    url = new_issue(courant, page, subject="Crash")
    preheader = page.get_by_label("Preheader")
    page.route("**/autosave/", lambda route: route.abort())
    preheader.fill("Never arrived")
    expect(page.locator("[data-save-state]")).to_contain_text("the connection is lost")
    page.evaluate("addEventListener('pagehide', (event) => event.stopImmediatePropagation(), true)")
    again = page.context.new_page()
    page.close()

    again.goto(url)
    again.get_by_role("button", name="Put them back").click()

    expect(again.get_by_label("Preheader")).to_have_value("Never arrived")
    expect(again.get_by_role("button", name="Put them back")).to_have_count(0)


def test_old_revision_is_compared_and_restored_by_keyboard(courant: Installation, page: Page) -> None:
    url = new_issue(courant, page, subject="First words")
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("Saved")
    page.get_by_label("Subject").fill("Second words")
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("Saved")

    page.get_by_role("link", name="Revisions").press("Enter")
    page.get_by_role("button", name="Compare the two").press("Enter")
    expect(page.locator(".comparison del").first).to_have_text("First")
    page.get_by_role("link", name=re.compile("^Revision 1,")).press("Enter")
    page.get_by_role("button", name="Restore this revision").press("Enter")

    expect(page.locator(".messagelist")).to_contain_text("Revision 1 is what the issue says again.")
    expect(page.get_by_label("Subject")).to_have_value("First words")
    assert page.url == url


@pytest.mark.parametrize("width", [390, 1280])
def test_page_of_writing_fits_and_is_accessible(courant: Installation, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    new_issue(courant, page, subject="Fits")

    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert overflow <= 0
    assert serious(page) == []


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in SERIOUS]
