"""The page before a sign-up when machines may be at the door, in a real browser and without one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, Page, Route, expect

from newsletter.models import Newsletter
from subscribers.models import SignUp
from tests import factories
from tests.subscribers.forms import posted_by

PATH = "/daily/subscribe/"
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def besieged(chrome: Browser, transactional_db: None) -> Newsletter:
    return factories.newsletter(usual_sign_ups=0)


def signed_up(
    chrome: Browser, live_server, *, scripts: bool = True, dark: bool = False, held: list[Route] | None = None
) -> tuple[Page, list[str]]:
    """The page after the sign-up form, and what goes wrong on it. `held`: takes the worker's script, to be let go."""
    context = chrome.new_context(
        viewport=PHONE, java_script_enabled=scripts, color_scheme="dark" if dark else "light"
    )
    context.set_default_timeout(20_000)
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    if held is not None:
        page.route(
            "**/riddle-worker.js", lambda route: held.append(route)
        )  # Playwright marks what it is given
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{live_server.url}{PATH}")
    page.locator("[name=email]").fill("ada@example.com")
    page.locator("[name=email]").press("Enter")
    return page, wrong


def findings(page: Page) -> list[str]:
    return [each["id"] for each in Axe().run(page).response["violations"]]


@pytest.mark.parametrize("dark", [False, True])
def test_the_browser_does_the_sum_and_the_person_presses_the_button(
    chrome: Browser, live_server, besieged: Newsletter, dark: bool
) -> None:
    held: list[Route] = []
    page, wrong = signed_up(chrome, live_server, dark=dark, held=held)

    expect(page.get_by_role("status")).to_have_text(
        "Your browser is doing a small sum. It takes a few seconds."
    )
    expect(page.locator("progress")).to_be_visible()
    working = findings(page)
    held[0].continue_()
    expect(page.get_by_role("status")).to_have_text("Done. Now press the button.")
    before = SignUp.objects.count()
    done = findings(page)
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Go on").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("inbox"))

    assert (before, list(SignUp.objects.values_list("email", flat=True))) == (0, ["ada@example.com"])
    assert (working, done, wrong) == ([], [], [])


def test_without_scripts_the_button_comes_by_itself_and_counts(
    chrome: Browser, live_server, besieged: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subscribers.guard.riddles.WAIT", timedelta(seconds=4))

    page, _ = signed_up(chrome, live_server, scripts=False)

    expect(page.locator(".riddle-wait")).to_contain_text("wait 5 seconds, and the button appears here")
    expect(page.locator("progress")).to_be_hidden()
    expect(page.locator(".riddle-button")).to_be_hidden()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("inbox"))
    assert list(SignUp.objects.values_list("email", flat=True)) == ["ada@example.com"]


def test_where_the_worker_does_not_come_waiting_is_the_way(
    chrome: Browser, live_server, besieged: Newsletter
) -> None:
    context = chrome.new_context(viewport=PHONE)
    page = context.new_page()
    page.route("**/riddle-worker.js", lambda route: route.abort())
    page.goto(f"{live_server.url}{PATH}")
    page.locator("[name=email]").fill("ada@example.com")
    page.locator("[name=email]").press("Enter")

    expect(page.locator(".riddle-wait")).to_contain_text("wait 25 seconds, and the button appears here")
    expect(page.locator("progress")).to_be_hidden()


def test_the_page_posts_everything_again_and_is_kept_nowhere(daily: Newsletter, client: Client) -> None:
    Newsletter.objects.update(usual_sign_ups=0)

    answer = client.post(PATH, {"email": "Ada@example.com", "first_name": "<Ada>", "utm_source": "radio"})

    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    fields = posted_by(answer.text, "")
    assert fields["first_name"] == ["<Ada>"]
    assert fields["answer"] == [""]
    assert len(fields["riddle"][0]) < 120
    assert SignUp.objects.count() == 0
    assert posted_by(client.post(PATH, fields).text, "")["riddle"] == fields["riddle"]


def test_too_many_of_one_network_are_told_so(
    daily: Newsletter, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subscribers.guard.judging.SOLVED", 0)
    monkeypatch.setattr("subscribers.guard.judging.BITS_IN_A_SIEGE", 0)
    Newsletter.objects.update(usual_sign_ups=0)
    asked = client.post(PATH, {"email": "ada@example.com"}, REMOTE_ADDR="192.0.2.7")
    fields = posted_by(asked.text, "") | {"answer": [".".join("0" * 16)]}

    answer = client.post(PATH, fields, REMOTE_ADDR="192.0.2.7")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "600")
    assert "Please come back in ten minutes" in answer.text
    assert SignUp.objects.count() == 0


FLOOD = {"REMOTE_ADDR": "192.0.2.7"}
NEIGHBOUR = {"REMOTE_ADDR": "192.0.2.99"}  # of the same /24
EASY = ".".join("0" * 16)  # solves what has no bits


@pytest.fixture
def flooded(daily: Newsletter, client: Client, monkeypatch: pytest.MonkeyPatch) -> Newsletter:
    monkeypatch.setattr("subscribers.guard.judging.FLOOD", 12)
    monkeypatch.setattr("subscribers.guard.floods.BITS", 0)
    for number in range(13):
        client.post(PATH, {"email": f"r{number}@example.com"}, **FLOOD)
    SignUp.objects.all().delete()
    return daily


def test_a_neighbour_of_a_flood_is_handed_a_riddle_and_comes_in(
    flooded: Newsletter, client: Client, django_assert_num_queries: Any
) -> None:
    typed = {"email": " Ada@example.com", "first_name": '<Ada> "\ue000seed\ue001"', "utm_source": "radio"}
    with django_assert_num_queries(0):
        asked = client.post(PATH, typed, HTTP_ACCEPT_LANGUAGE="de", **NEIGHBOUR)
        client.post(PATH, typed | {"riddle": "made up"}, **NEIGHBOUR)
    fields = posted_by(asked.text, "")
    early = client.post(PATH, fields, **NEIGHBOUR)
    before = SignUp.objects.count()

    taken = client.post(PATH, fields | {"answer": [EASY]}, **NEIGHBOUR)

    assert [answer.status_code for answer in (asked, early, taken)] == [200] * 3
    assert ('lang="de"' in asked.text, "no-store" in asked.headers["Cache-Control"]) == (True, True)
    assert (fields["first_name"], posted_by(early.text, "")["riddle"]) == (
        [typed["first_name"]],
        fields["riddle"],
    )
    assert (before, SignUp.objects.get().email) == (0, "ada@example.com")
    assert client.get(PATH, **FLOOD).status_code == 200


def test_the_gates_page_is_the_riddles_page(flooded: Newsletter, client: Client) -> None:
    page = client.post(PATH, {"email": "ada@example.com<"}, **FLOOD).text

    assert "<bdi>ada@example.com&lt;</bdi>" in page
    assert 'data-bits="0" data-pieces="16" data-wait="25"' in page
    assert re.search(r'data-seed="[0-9a-f]{32}"', page)
    assert "\ue000" not in page


def test_send_it_again_comes_through_the_gate_too(flooded: Newsletter, client: Client) -> None:
    page = client.post(PATH, {"email": "ada@example.com"}, REMOTE_ADDR="198.51.100.7").text
    again = f"{PATH}again/"
    asked = client.post(again, posted_by(page, again), **NEIGHBOUR)

    taken = client.post(again, posted_by(asked.text, "") | {"answer": [EASY]}, **NEIGHBOUR)

    assert (taken.status_code, SignUp.objects.count()) == (200, 2)


def test_whoever_solves_at_the_gate_is_shown_what_else_is_wrong(flooded: Newsletter, client: Client) -> None:
    asked = client.post(PATH, {"email": "ada@example"}, **NEIGHBOUR)

    answer = client.post(PATH, posted_by(asked.text, "") | {"answer": [EASY]}, **NEIGHBOUR)

    assert (answer.status_code, "check it for typos" in answer.text) == (422, True)
