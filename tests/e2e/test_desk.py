"""The way of an issue by two people, in a browser: written, looked at, tested, approved, scheduled, taken back, sent,
stopped, mended, sent to the rest, and corrected."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Installation
from tests.e2e.pastes import WORD
from tests.e2e.test_main_job import accept_warnings, open_mail
from tests.e2e.writer import Writer

SUBJECT = "Why tides are late"


@dataclass
class Person:
    """Somebody of the team, with a browser of their own."""

    page: Page
    courant: Installation

    def log_in(self, name: str) -> None:
        self.open("/admin/login/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill("courant")
        self.press("Log in")

    def open(self, path: str) -> None:
        self.page.goto(f"{self.courant.url}{path}")

    def step(self, name: str) -> None:
        way = self.page.get_by_role("navigation", name="From the text to the report")
        way.get_by_role("link", name=name).click()
        expect(self.page).to_have_url(re.compile(f"/{name.lower()}/"))
        assert serious(self.page) == []

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name).first.click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name).first.click()

    def sees(self, words: str, *, seconds: int = 30) -> None:
        expect(self.page.get_by_text(words).first).to_be_visible(timeout=seconds * 1000)


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html']}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]


@pytest.fixture
def team(courant: Installation, browser: Browser) -> Iterator[tuple[Person, Person, Person]]:
    """cleo writes, ben edits, ada publishes, in a newsletter where a second person must approve."""
    pages = [browser.new_context().new_page() for _ in range(4)]
    owner, cleo, ben, ada = (Person(page, courant) for page in pages)
    for person, name in ((owner, "editor"), (cleo, "cleo"), (ben, "ben"), (ada, "ada")):
        person.log_in(name)
    ask_for_a_second_person(owner, wanted=True)
    yield cleo, ben, ada
    ask_for_a_second_person(owner, wanted=False)
    for page in pages:
        page.context.close()


def ask_for_a_second_person(owner: Person, *, wanted: bool) -> None:
    owner.open("/admin/newsletter/newsletter/1/change/")
    owner.page.get_by_label("A second person must approve each issue").set_checked(wanted)
    owner.press("Save and continue editing")
    expect(owner.page.locator(".messagelist")).to_be_visible()


def test_an_issue_goes_its_whole_way(courant: Installation, team: tuple[Person, Person, Person]) -> None:
    cleo, ben, ada = team

    write(cleo)
    issue = int(re.findall(r"/issue/(\d+)/", cleo.page.url)[0])
    look_at_every_face(cleo)
    send_a_test(cleo)
    plan_and_take_back(cleo, ben, issue=issue)
    send_and_stop(cleo, ben, issue=issue)
    first = newest(courant)
    assert first["state"] == "stopped"
    assert first["accepted"] + first["skipped"] == first["audience"]
    unreached = first["skipped_by_reason"]["stopped"]
    assert first["accepted"] > 0 < unreached

    mend(cleo, issue=issue)
    rest = follow_up(ben, first["dispatch"], button=re.compile("^Send it to the"))
    assert (rest["to"], rest["after"], rest["accepted"]) == ("rest", first["dispatch"], unreached)
    put_into_words(ben, first["dispatch"])
    correction = follow_up(ada, first["dispatch"], button=re.compile("^Send the correction"))
    assert (correction["to"], correction["accepted"]) == ("correction", first["accepted"])
    ben.open("/outbox/?q=Corrected")
    expect(ben.page.locator("ol.mails a", has_text="Corrected").first).to_be_visible()


def write(cleo: Person) -> None:
    cleo.open("/admin/")
    cleo.follow("New issue")
    assert serious(cleo.page) == []
    cleo.page.get_by_label("Subject").fill(SUBJECT)
    cleo.page.get_by_label("Preheader").fill("The Moon rises fifty minutes later every day, and water knows.")
    writer = Writer(cleo.page)
    writer.area.click()
    writer.write("Dear ")
    writer.choose("Reader’s name and fields", "First name")
    writer.answer(fallback="reader")
    writer.write(", a word on water.", "[Enter]")
    writer.paste(html=WORD.html)
    writer.go_on()
    writer.insert("Our take")
    writer.write("Tides are punctual. We are not.")
    writer.go_on()
    writer.insert("Feedback line")
    writer.answer(question="Was this good?")
    expect(cleo.page.locator("[data-save-state]")).to_have_text(re.compile(r"^Saved \d\d:\d\d$"))
    expect(cleo.page).to_have_url(re.compile(r"/issue/\d+/change/$"))


def look_at_every_face(cleo: Person) -> None:
    """Beside the text, as it stands now, for a reader of whom nothing is known."""
    cleo.page.set_viewport_size({"width": 1440, "height": 900})
    pane = cleo.page.get_by_role("region", name="Preview")
    frame = pane.frame_locator("iframe")
    for face in ("Web", "Mail", "Phone", "Dark", "Plain text"):
        pane.get_by_role("tab", name=face).click()
        expect(frame.locator("body")).to_contain_text("Dear reader, a word on water.")
        expect(frame.locator("body")).to_contain_text("Tides are punctual. We are not.")
    assert serious(cleo.page) == []


def send_a_test(cleo: Person) -> None:
    cleo.step("Test")
    cleo.page.get_by_role("textbox", name="To:").fill("press@example.net")
    cleo.press("Send test")
    cleo.sees("You have a test of the text as it stands now.")
    there = cleo.page.url
    open_mail(cleo.courant, cleo.page, "press@example.net", f"[Test] {SUBJECT}")
    expect(cleo.page.frame_locator("iframe").locator("body")).to_contain_text("Dear reader")
    cleo.page.goto(there)


def plan_and_take_back(cleo: Person, ben: Person, *, issue: int) -> None:
    """A writer asks, an editor approves, and takes it back: from its time first, then in its minute."""
    cleo.step("Check")
    ask(cleo, day="2030-06-04T06:30")
    ben.open("/admin/")
    assert serious(ben.page) == []
    ben.sees("Waiting for approval")
    approve(ben, issue=issue, button="Approve")
    ben.sees("Goes out on Tuesday 4 June, 06:30")
    ben.press("Take back")
    cleo.open(f"/admin/desk/issues/{issue}/send/")
    ask(cleo)
    approve(ben, issue=issue, button="Approve and send")
    ben.press("Undo")
    expect(ben.page.locator(".messagelist")).to_be_visible()
    assert [each for each in statuses(ben.courant) if each["issue"] == "why-tides-are-late"] == []


def ask(cleo: Person, *, day: str = "") -> None:
    page = cleo.page
    issue = re.findall(r"/issues/(\d+)/", page.url)[0]
    cleo.open(f"/admin/desk/issues/{issue}/send/")
    if day:
        page.get_by_label("Another time").check()
        page.get_by_label("Day and time").fill(day)
        page.get_by_label("Day and time").blur()
        expect(page.locator("#decision")).to_contain_text("4 June")
    if page.get_by_role("link", name="Look at the warnings").count():
        cleo.follow("Look at the warnings")
        accept_warnings(page)
        ask(cleo, day=day)
        return
    assert serious(page) == []
    cleo.press("Ask for approval")
    cleo.sees("Waits for an approval")


def approve(ben: Person, *, issue: int, button: str) -> None:
    ben.open(f"/admin/desk/issues/{issue}/send/")
    assert serious(ben.page) == []
    ben.press(re.compile(f"^{button}$"))


def send_and_stop(cleo: Person, ben: Person, *, issue: int) -> None:
    cleo.open(f"/admin/desk/issues/{issue}/send/")
    ask(cleo)
    approve(ben, issue=issue, button="Approve and send")
    ben.press(re.compile("^Pause$"))
    ben.sees("paused")
    assert serious(ben.page) == []
    ben.follow("Stop for good")
    ben.press(re.compile("^Stop"))
    expect(ben.page.locator("#dispatch, main").first).to_contain_text("stopped")
    expect(ben.page.get_by_role("link", name=re.compile("^Send it to the"))).to_be_visible()


def mend(cleo: Person, *, issue: int) -> None:
    """A sent issue does not save itself: its page on the web is right once the writer saves."""
    cleo.open(f"/admin/newsletter/issue/{issue}/change/")
    cleo.page.get_by_label("Preheader").fill("The Moon rises fifty minutes later every day.")
    cleo.press(re.compile("^Save$"))
    expect(cleo.page.locator(".messagelist")).to_contain_text("web")
    cleo.open("/morning-courant/why-tides-are-late/")
    cleo.sees("The Moon rises fifty minutes later every day.")


def follow_up(ben: Person, dispatch: int, *, button: re.Pattern[str]) -> dict[str, Any]:
    ben.open(f"/admin/desk/dispatches/{dispatch}/correct/")
    assert serious(ben.page) == []
    ben.press(button)
    expect(ben.page.get_by_role("status").first).to_have_text(re.compile("gone out"), timeout=60_000)
    return newest(ben.courant)


def put_into_words(ben: Person, dispatch: int) -> None:
    """What a correction says is seen by two as well: one writes it down, another sends it."""
    ben.open(f"/admin/desk/dispatches/{dispatch}/correct/")
    ben.page.get_by_label("What was wrong").fill("The Moon rises fifty minutes later, not fifteen.")
    ben.press("Write the words down")
    ben.sees("The Moon rises fifty minutes later, not fifteen.")
    expect(ben.page.get_by_role("button", name=re.compile("^Send the correction"))).to_have_count(0)


def newest(courant: Installation) -> dict[str, Any]:
    """Once its sum is settled: a stop may still wait for a batch that is in a worker's hands."""
    deadline = time.monotonic() + 30
    while True:
        found = statuses(courant)[0]
        if not (found["pending"] or found["in_flight"]) or time.monotonic() > deadline:
            return found
        time.sleep(0.3)


def statuses(courant: Installation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(courant.manage("dispatch_status", "--json").stdout)
    return found
