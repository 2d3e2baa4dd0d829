"""An issue seen while it is written: the frame beside the form, as any reader, and a test mail in a mailbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FrameLocator, Page, expect

from tests.e2e.conftest import Installation

DESK = {"width": 1440, "height": 900}
WRITE = """
from newsletter.models import Issue, Newsletter
name = '<span class="field" data-field="first_name" data-fallback="friend">friend</span>'
body = f"<p>Dear {name},</p>" + "<p>The tide comes in.</p>" * 60
print(Issue.objects.create(newsletter=Newsletter.objects.first(), slug="seen", subject="Seen", body=body).pk)
"""


@pytest.fixture(scope="module")
def issue(courant: Installation) -> Iterator[int]:
    made = courant.manage("shell", "--verbosity=0", "-c", WRITE)
    assert made.returncode == 0, made.stderr
    number = int(made.stdout.split()[-1])
    yield number
    courant.manage(
        "shell", "-c", f"from newsletter.models import Issue; Issue.objects.get(pk={number}).delete()"
    )


@pytest.fixture
def desk(page: Page, courant: Installation) -> Page:
    page.set_viewport_size(DESK)
    page.goto(f"{courant.url}/admin/login/?next=/admin/")
    page.get_by_label("Username").fill("editor")
    page.get_by_label("Password").fill("courant")
    page.get_by_role("button", name="Log in").click()
    return page


def frame(page: Page) -> FrameLocator:
    return page.frame_locator(".preview-frame")


def place(page: Page) -> float:
    top: float = page.frames[-1].evaluate("document.scrollingElement.scrollTop")
    return top


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [each["id"] for each in found if each["impact"] in {"serious", "critical"}]


def test_preview_follows_what_is_written(desk: Page, courant: Installation, issue: int) -> None:
    desk.goto(f"{courant.url}/admin/newsletter/issue/{issue}/change/")
    expect(frame(desk).get_by_role("heading", name="Seen")).to_be_visible()
    desk.frames[-1].evaluate("document.scrollingElement.scrollTop = 300")

    desk.get_by_label("Subject").fill("Seen <at once>")
    desk.get_by_role("textbox", name="Text of the issue").click()
    desk.keyboard.press("Control+Home")
    desk.keyboard.type("Hello! ")

    expect(frame(desk).get_by_role("heading", name="Seen <at once>")).to_be_attached()
    expect(frame(desk).get_by_text("Hello! Dear friend")).to_be_attached()
    assert place(desk) == 300
    assert serious(desk) == []


def test_preview_is_used_by_keyboard(desk: Page, courant: Installation, issue: int) -> None:
    desk.goto(f"{courant.url}/admin/newsletter/issue/{issue}/change/")
    desk.get_by_role("tab", name="Web").focus()

    desk.keyboard.press("ArrowRight")
    expect(frame(desk).get_by_text("You get this mail because")).to_be_visible()
    desk.keyboard.press("End")
    expect(frame(desk).get_by_text("Dear friend,")).to_be_visible()
    desk.get_by_role("combobox", name="Show it as").focus()
    desk.keyboard.type("ada.b")
    expect(desk.get_by_role("listbox", name="Readers").get_by_role("option")).to_have_count(1)
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")

    expect(frame(desk).get_by_text("Dear Ada,")).to_be_visible()
    expect(desk.get_by_role("tab", name="Plain text")).to_have_attribute("aria-selected", "true")


def test_preview_says_when_it_is_behind_and_catches_up(desk: Page, courant: Installation, issue: int) -> None:
    desk.goto(f"{courant.url}/admin/newsletter/issue/{issue}/change/")
    expect(frame(desk).get_by_role("heading", name="Seen")).to_be_visible()

    desk.context.set_offline(True)
    desk.get_by_label("Subject").fill("Written without a line")
    expect(desk.get_by_text("This is how it stood")).to_be_visible()
    desk.context.set_offline(False)

    expect(frame(desk).get_by_role("heading", name="Written without a line")).to_be_visible()
    expect(desk.get_by_text("This is how it stood")).to_be_hidden()


def test_preview_stays_closed_once_closed(desk: Page, courant: Installation, issue: int) -> None:
    form = f"{courant.url}/admin/newsletter/issue/{issue}/change/"
    pane = desk.get_by_role("region", name="Preview")
    desk.goto(form)

    pane.get_by_role("button", name="Close").click()
    desk.goto(form)
    expect(pane).to_be_hidden()
    desk.get_by_role("button", name="Preview", exact=True).click()

    expect(pane).to_be_visible()


def test_a_test_mail_arrives_while_one_watches(desk: Page, courant: Installation, issue: int) -> None:
    desk.goto(f"{courant.url}/admin/desk/issues/{issue}/test/")
    assert serious(desk) == []

    desk.get_by_role("textbox", name="To:").fill("first@desk.example\nsecond@desk.example")
    desk.get_by_role("button", name="Send test").click()

    expect(desk.locator(".proof-sent")).to_contain_text("first@desk.example, second@desk.example")
    expect(desk.get_by_text("a test of the text as it stands now")).to_be_visible()
    assert serious(desk) == []
    desk.goto(f"{courant.url}/outbox/?q=desk.example")
    expect(desk.locator("ol.mails a", has_text="[Test]")).to_have_count(2)


def test_preview_page_fits_a_phone(desk: Page, courant: Installation, issue: int) -> None:
    desk.set_viewport_size({"width": 390, "height": 844})
    desk.goto(f"{courant.url}/admin/newsletter/issue/{issue}/change/")

    desk.locator(".preview-link").get_by_role("link", name="Preview").click()
    desk.get_by_role("link", name="Phone").click()

    expect(frame(desk).get_by_text("Dear friend,")).to_be_visible()
    assert desk.evaluate("document.documentElement.scrollWidth") == 390
    assert serious(desk) == []
