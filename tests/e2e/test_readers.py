"""All that a reader does, in two languages, with and without JavaScript, on a phone, by keys alone, past axe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import override_settings
from playwright.sync_api import Browser, Locator, Page, expect

from subscribers import tokens
from tests.e2e.conftest import Installation
from tests.e2e.test_main_job import SLUG

PHONE, DESK = {"width": 390, "height": 780}, {"width": 1280, "height": 900}
MOST_STOPS = 60  # presses of Tab until what is looked for has the focus
BIG = ".note form .btn-big"


@dataclass(frozen=True)
class Way:
    """How somebody reads: in which language, with what."""

    language: str
    has_script: bool
    size: dict[str, int]

    @property
    def name(self) -> str:
        script = "script" if self.has_script else "plain"
        return f"{self.language}-{script}-{self.size['width']}"


WAYS = [
    Way("en", has_script=True, size=DESK),
    Way("en", has_script=False, size=PHONE),
    Way("ar", has_script=True, size=PHONE),
    Way("ar", has_script=False, size=DESK),
]


class Reader:
    """Somebody at a browser, who uses keys alone and looks at each page for what keeps people out."""

    def __init__(self, courant: Installation, page: Page, way: Way) -> None:
        self.courant, self.page, self.way = courant, page, way
        self.address = f"reader.{way.name}@example.org"
        self._axe = Axe()

    def open(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else f"{self.courant.url}{path}")
        self.look()

    def look(self) -> None:
        """In their language and direction, nothing beyond the edge, and nothing that axe finds serious."""
        self.page.wait_for_load_state()
        html = self.page.locator("html")
        expect(html).to_have_attribute("lang", self.way.language)
        expect(html).to_have_attribute("dir", "rtl" if self.way.language == "ar" else "ltr")
        expect(self.page.locator("h1")).to_have_count(1)
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= self.way.size["width"], f"{self.page.url} is {width} pixels wide"
        if self.way.has_script:
            found = self._axe.run(self.page).response["violations"]
            assert [f"{each['id']}: {each['nodes'][0]['html']}" for each in found] == [], self.page.url

    def press(self, what: Locator | str) -> None:
        """Tab until it has the focus, then Enter."""
        self.reach(what).press("Enter")
        self.look()

    def reach(self, what: Locator | str) -> Locator:
        where = self.page.locator(what).first if isinstance(what, str) else what.first
        expect(where).to_be_visible()
        for _ in range(MOST_STOPS):
            if where.evaluate("element => element === document.activeElement"):
                return where
            self.page.keyboard.press("Tab")
        raise AssertionError(f"No key leads to {what} on {self.page.url}")

    def choose(self, radio: str) -> None:
        """By the arrow keys, as radio buttons go."""
        self.reach("input[type=radio]:checked")
        while not self.page.locator(radio).is_checked():
            self.page.keyboard.press("ArrowDown")

    def type(self, what: str, words: str) -> None:
        self.reach(what)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(words)

    def link_in(self, subject: str, kind: str, *, to: str = "", count: int = 1) -> str:
        """Wait for the mail whose button leads to such a page, and take its link."""
        deadline = time.monotonic() + 40
        while True:
            self.page.goto(f"{self.courant.url}/outbox/?q={to or self.address}")
            mails = self.page.locator("ol.mails a")
            for number in range(mails.count() if mails.count() >= count else 0):
                self.page.goto(f"{self.courant.url}/outbox/?q={to or self.address}")
                mails.nth(number).click()
                link = self.page.frame_locator("iframe").locator(f"a[href*='/s/{kind}/']")
                self.page.frame_locator("iframe").locator("body").wait_for()
                if link.count():
                    found = link.first.get_attribute("href")
                    assert found
                    return found
            assert time.monotonic() < deadline, (
                f"No mail to {to or self.address} has a link to {kind} ({subject})."
            )
            time.sleep(0.3)

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text()


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def reader(request: pytest.FixtureRequest, courant: Installation, browser: Browser) -> Iterator[Reader]:
    way: Way = request.param
    context = browser.new_context(
        viewport=way.size, java_script_enabled=way.has_script, locale=way.language, reduced_motion="reduce"
    )
    context.set_default_timeout(20_000)
    yield Reader(courant, context.new_page(), way)
    context.close()


def test_a_reader_signs_up_leaves_rests_moves_and_is_deleted(reader: Reader) -> None:
    page = reader.page
    reader.open(f"/{SLUG}/subscribe/?language={reader.way.language}")
    page.wait_for_timeout(2100)  # as fast as that only machines are
    reader.type("input[name=email]", reader.address)
    reader.press(BIG)
    expect(page.locator("h1 ~ .standfirst bdi")).to_have_text(reader.address)
    reader.press(".once-more button")

    link = reader.link_in("please confirm", "confirm")
    reader.open(link)
    asked = reader.heading
    reader.press(BIG)
    assert reader.heading != asked
    assert state_of(reader) == ("active", "every")

    reader.open(way_out(reader))
    reader.press(BIG)
    assert state_of(reader) == ("unsubscribed", "every")
    reader.press("form[action*='/s/back/'] button")
    assert state_of(reader) == ("active", "every")

    reader.open(way_out(reader))
    reader.press("form[action*='/s/rest/'] button[value='two_weeks']")
    assert state_of(reader) == ("paused", "every")
    _manages_moves_and_is_deleted(reader)


def _manages_moves_and_is_deleted(reader: Reader) -> None:
    page, language = reader.page, "" if reader.way.language == "en" else reader.way.language
    reader.open(f"/your-subscriptions/?language={reader.way.language}")
    page.wait_for_timeout(2100)
    reader.type("input[name=email]", reader.address)
    reader.press(BIG)

    reader.open(reader.link_in("your link", "manage"))
    reader.type("input[name=first_name]", "Ada")
    reader.press(page.locator("form[action*='/you/'] button[type=submit]"))
    reader.choose("input[type=radio][value=weekly]")
    reader.press(page.locator("form[action*='/how-often/'] button[type=submit]"))
    assert state_of(reader) == ("active", "weekly")

    moved = f"moved.{reader.way.name}@example.org"
    reader.type("input[name=new_email]", moved)
    reader.press(page.locator("form[action*='/address/'] button"))
    reader.open(reader.link_in("the new address", "change", to=moved))
    reader.press(BIG)
    reader.open(reader.link_in("the old address", "change"))
    reader.press(BIG)
    reader.address = moved
    found = held(reader)
    assert found
    assert (found.first_name, found.language) == ("Ada", language)

    reader.open(f"/your-subscriptions/?language={reader.way.language}")
    page.wait_for_timeout(2100)
    reader.type("input[name=email]", moved)
    reader.press(BIG)
    link = reader.link_in("your link", "manage")
    reader.open(link)
    reader.press(page.locator("a[href*='/delete/']"))
    reader.press(BIG)
    assert held(reader) is None
    reader.open(link)
    assert moved not in page.content()


HELD = """
SELECT subscription.id, subscription.status, subscription.frequency, subscriber.first_name, subscriber.language
FROM subscribers_subscription AS subscription
JOIN subscribers_subscriber AS subscriber ON subscriber.id = subscription.subscriber_id
WHERE subscriber.email = '{email}'
"""


@dataclass(frozen=True)
class Held:
    """What Courant knows of somebody."""

    id: int
    status: str
    frequency: str
    first_name: str
    language: str


def held(reader: Reader) -> Held | None:
    found = reader.courant.rows(HELD.format(email=reader.address))
    return Held(*found[0]) if found else None


def state_of(reader: Reader) -> tuple[str, str] | None:
    found = held(reader)
    return (found.status, found.frequency) if found else None


def way_out(reader: Reader) -> str:
    """The link at the end of every issue."""
    found = held(reader)
    assert found
    with override_settings(LINK_KEYS=["not-secret:links"]):  # the demo's
        return f"/s/unsubscribe/{tokens.unsubscribe_token(found.id)}"
