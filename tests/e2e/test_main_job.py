"""Sign up → outbox → confirm → write and send in the admin → outbox → unsubscribe, by hand, in a browser."""

from __future__ import annotations

import json
import re
import time

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Installation, fetch

ADA = "ada.lovelace@example.org"
SLUG = "morning-courant"


def test_a_reader_signs_up_reads_and_leaves(courant: Installation, page: Page) -> None:
    sign_up(courant, page, ADA)
    confirm(courant, page, ADA)

    dispatch = write_and_send(courant, page, subject="Bridges & “tides” — 한국어 🌉")

    assert (
        dispatch["audience"] == dispatch["accepted"] + dispatch["skipped"] == 195
    )  # Ada, and 200 but for 6 who rest
    assert dispatch["accepted"] >= 168  # on a weekend; 11 more on weekdays
    assert set(dispatch["skipped_by_reason"]) <= {"weekly", "weekend"}  # who chose otherwise than every issue
    assert (dispatch["state"], dispatch["uncertain"], dispatch["failed"]) == ("sent", 0, 0)
    leave(courant, page, ADA, subject="Bridges")
    assert "has already been sent" in courant.manage("send_issue", SLUG, dispatch["issue"]).stderr


def sign_up(courant: Installation, page: Page, address: str) -> None:
    page.goto(f"{courant.url}/{SLUG}/")
    assert page.context.cookies() == []
    box = page.locator("form[action$='/subscribe/']").first
    box.get_by_role("textbox", name=re.compile("mail", re.IGNORECASE)).fill(address)
    box.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Now check your inbox")


def open_mail(courant: Installation, page: Page, address: str, subject: str) -> None:
    """Wait for the mail, as a reader does, and open it."""
    deadline = time.monotonic() + 30
    while True:
        page.goto(f"{courant.url}/outbox/?q={address}")
        mails = page.locator("ol.mails a", has_text=subject)
        if mails.count() or time.monotonic() > deadline:
            break
        time.sleep(0.3)
    mails.first.click()


def confirm(courant: Installation, page: Page, address: str) -> None:
    open_mail(courant, page, address, "onfirm")
    tab = follow(page, "a[href*='/s/confirm/']")
    tab.get_by_role("button", name=re.compile("confirm|yes", re.IGNORECASE)).click()
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    assert tab.locator("form button", has_text=re.compile("confirm", re.IGNORECASE)).count() == 0


def follow(page: Page, selector: str) -> Page:
    """Press a link inside the mail; it opens in a tab of its own, as in a mail program."""
    with page.expect_popup() as opened:
        # By the key: a click can miss while the browser still scrolls the frame, which is a process of its own.
        page.frame_locator("iframe").locator(selector).first.press("Enter")
    opened.value.wait_for_load_state()
    return opened.value


def write_and_send(courant: Installation, page: Page, *, subject: str) -> dict[str, object]:
    page.goto(f"{courant.url}/admin/")
    page.get_by_label("Username").fill("editor")
    page.get_by_label("Password").fill("courant")
    page.get_by_role("button", name="Log in").click()
    page.goto(f"{courant.url}/admin/newsletter/issue/add/")
    page.get_by_label("Newsletter").select_option(label="The Morning Courant")
    page.get_by_label("Subject").fill(subject)
    page.locator("#id_slug").fill("bridges")
    editor = page.locator(".ProseMirror")
    editor.click()
    page.keyboard.type("Good morning. A bridge is a promise — kept by arithmetic.")
    page.get_by_role("button", name="Check and send…").click()
    expect(page).to_have_url(re.compile("/check/$"))
    accept_warnings(page)
    page.get_by_role("navigation", name="From the text to the report").get_by_role(
        "link", name="Send"
    ).click()
    page.get_by_label("Now").check()
    page.get_by_role("button", name=re.compile(r"^Send to \d+ readers$")).click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text(re.compile("gone out"), timeout=60_000)
    return json.loads(courant.manage("dispatch_status", "--json").stdout)[0]


def accept_warnings(page: Page) -> None:
    """Each by name: there was no test mail, and what else the checks found."""
    page.wait_for_load_state()  # all of them are there to be counted
    accept = page.get_by_role("button", name="Accept", exact=True)
    for left in range(accept.count(), 0, -1):
        expect(accept).to_have_count(left)
        accept.first.click()
    expect(accept).to_have_count(0)


def leave(courant: Installation, page: Page, address: str, subject: str) -> None:
    open_mail(courant, page, address, subject)
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("kept by arithmetic")
    link = page.frame_locator("iframe").locator("a[href*='/s/unsubscribe/']").first.get_attribute("href")
    assert link
    assert [fetch(link) for _ in range(3)] == [200, 200, 200]  # a scanner opens it, again and again
    tab = follow(page, "a[href*='/s/unsubscribe/']")
    expect(tab.locator("body")).not_to_contain_text(address)
    tab.get_by_role("button", name=re.compile("unsubscribe", re.IGNORECASE)).click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(
        re.compile("unsubscribed|goodbye|left", re.IGNORECASE)
    )
    tab.goto(link)
    expect(tab.get_by_role("button", name=re.compile("^unsubscribe", re.IGNORECASE))).to_have_count(0)


def test_the_issue_lives_on_in_the_archive(courant: Installation, page: Page) -> None:
    page.goto(f"{courant.url}/")
    page.get_by_role("link", name="The Morning Courant").first.click()
    page.get_by_role("link", name="A letter for one penny").first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("A letter for one penny")
    assert "/s/" not in page.content()
    assert page.context.cookies() == []


def test_one_click_acts_at_once_and_a_repeat_changes_nothing(courant: Installation, page: Page) -> None:
    open_mail(courant, page, "bo.abara@example.com", "A letter")
    link = page.frame_locator("iframe").locator("a[href*='/s/unsubscribe/']").first.get_attribute("href")
    assert link

    assert [fetch(link, data=b"List-Unsubscribe=One-Click") for _ in range(2)] == [200, 200]

    page.goto(link)
    expect(page.get_by_role("button", name=re.compile("^unsubscribe", re.IGNORECASE))).to_have_count(0)
