from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from newsletter.models import Newsletter
from subscribers import guard
from subscribers.guard import Post, Verdict, floods
from subscribers.guard.judging import (
    BITS,
    BITS_IN_A_SIEGE,
    FLOOD,
    FREE,
    LINKS,
    MOST_BITS,
    OF_AN_ADDRESS,
    SOLVED,
    WAITED,
)
from subscribers.models import Siege
from tests.subscribers.solving import solve

PASS, RIDDLE, LATER, TOO_MANY = Verdict.PASS, Verdict.RIDDLE, Verdict.LATER, Verdict.TOO_MANY
NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
FEW = 60
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def easy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python hashes slower than a browser; how hard a riddle is has a test of its own."""
    monkeypatch.setattr("subscribers.guard.judging.BITS", 2)
    monkeypatch.setattr("subscribers.guard.judging.BITS_IN_A_SIEGE", 2)


def post(number: int = 0, *, network: str = "192.0.2.0/24", newsletter_ids: tuple[int, ...] = ()) -> Post:
    return Post(f"reader{number}@example.com", network, newsletter_ids)


def judged(given: Post, *, after: float = 0.0) -> Verdict:
    return guard.judge(given, now=NOW + timedelta(seconds=after))


def solved(given: Post, *, after: float = 0.0) -> Post:
    """As the page after RIDDLE posts it."""
    riddle = guard.riddle(given, now=NOW + timedelta(seconds=after))
    return replace(given, riddle=riddle.text, answer=solve(riddle))


def test_a_person_passes() -> None:
    assert judged(post()) == PASS


def test_what_fills_in_the_hidden_field_is_asked_a_riddle() -> None:
    """Some browsers do it for a person, who must not be lost."""
    given = replace(post(), honeypot="https://ada.example")

    assert judged(given) == RIDDLE
    assert judged(solved(given)) == PASS


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0.0, RIDDLE), (1.0, RIDDLE), (2.0, PASS), (3600, PASS), (-30.0, RIDDLE)]
)
def test_a_form_that_is_posted_before_anybody_could_type_is_asked_a_riddle(
    seconds: float, verdict: Verdict
) -> None:
    shown = guard.form_token(now=NOW - timedelta(seconds=seconds))

    assert judged(replace(post(), shown=shown)) == verdict


@pytest.mark.parametrize("shown", ["", "x", "1777887000~forged", "\0", "9" * 5000])
def test_a_form_that_does_not_say_when_it_was_shown_is_judged_by_the_rest(shown: str) -> None:
    assert judged(replace(post(), shown=shown)) == PASS


def test_a_form_that_was_shown_yesterday_is_judged_by_the_rest() -> None:
    shown = guard.form_token(now=NOW - timedelta(hours=25))

    assert judged(replace(post(), shown=shown)) == PASS


def test_a_network_has_some_sign_ups_free_and_then_riddles() -> None:
    verdicts = [judged(post(number)) for number in range(FREE + 3)]

    assert verdicts == [PASS] * FREE + [RIDDLE] * 3
    assert judged(post(99, network="198.51.100.0/24")) == PASS
    assert judged(post(98), after=600) == PASS


@pytest.mark.parametrize("network", ["", "127.0.0.0/24", "10.0.3.0/24", "fd00::/48"])
def test_a_network_that_says_nothing_is_not_counted(network: str) -> None:
    assert {judged(post(number, network=network)) for number in range(FREE * 3)} == {PASS}


def test_a_solved_riddle_lets_a_person_in_from_a_busy_network() -> None:
    for number in range(500):
        judged(post(number))

    assert judged(solved(post(501))) == PASS


def test_a_solved_riddle_is_good_for_one_sign_up() -> None:
    """Pressed twice, it is answered the same, and nothing is written twice."""
    given = solved(post())

    assert [judged(given) for _ in range(3)] == [PASS, LATER, LATER]


def test_a_solved_riddle_is_good_for_its_address_alone() -> None:
    given = solved(post(1))

    assert judged(replace(given, email="victim@example.com")) == RIDDLE


def test_a_riddle_that_nobody_asked_for_helps_nobody() -> None:
    assert judged(replace(post(), riddle="made up", answer="1.2.3")) == RIDDLE


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subscribers.guard.judging.SOLVED", FEW)


def test_solving_ends_far_above_what_people_of_one_network_do() -> None:
    assert SOLVED >= 20 * 60


def test_even_solving_has_an_end_for_one_network(few: None) -> None:
    verdicts = [judged(solved(post(number))) for number in range(FEW + 2)]

    assert verdicts == [PASS] * FEW + [TOO_MANY] * 2
    assert judged(solved(post(99, network="198.51.100.0/24"))) == PASS


def test_a_riddle_posted_again_and_again_uses_up_nobodys_room(few: None) -> None:
    given = solved(post())

    verdicts = {judged(given) for _ in range(FEW * 2)}

    assert verdicts == {PASS, LATER}
    assert judged(solved(post(1))) == PASS


def test_whoever_is_too_many_keeps_a_riddle_that_is_good(few: None) -> None:
    late = solved(post(999), after=590)
    for number in range(FEW):
        judged(solved(post(number)))

    assert judged(late, after=595) == TOO_MANY
    assert judged(late, after=600) == PASS


def test_riddles_that_are_not_solved_lock_nobody_out(few: None) -> None:
    for number in range(FEW * 3):
        judged(replace(post(number), riddle="made up", answer="1"))

    assert judged(solved(post(999))) == PASS


def test_whoever_runs_no_scripts_waits_instead() -> None:
    asked = replace(post(), riddle=guard.riddle(post(), now=NOW).text)

    assert judged(asked, after=5) == RIDDLE
    again = guard.riddle(asked, now=NOW + timedelta(seconds=5))
    assert (again.text, again.is_early, again.seconds) == (asked.riddle, True, 20)
    assert judged(asked, after=25) == PASS
    assert judged(asked, after=26) == LATER


def test_waiting_has_a_small_budget_for_one_network() -> None:
    posts = [
        replace(post(number), riddle=guard.riddle(post(number), now=NOW).text) for number in range(WAITED + 1)
    ]

    verdicts = [judged(each, after=30) for each in posts]

    assert verdicts == [PASS] * WAITED + [RIDDLE]
    asked = guard.riddle(posts[-1], now=NOW + timedelta(seconds=30))
    assert (asked.is_crowded, asked.is_early, asked.text == posts[-1].riddle) == (True, False, False)


def test_a_network_that_goes_on_is_a_flood_until_its_ten_minutes_are_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("subscribers.guard.floods.time.monotonic", lambda: clock[0])
    network = "192.0.2.0/24"

    for number in range(FLOOD):
        judged(replace(post(number), honeypot="x"), after=60)
    before = floods.is_flood(network)
    judged(post(), after=60)
    during = [floods.is_flood(network), floods.is_flood("198.51.100.0/24")]
    clock[0] += 540

    assert (before, during) == (False, [True, False])
    assert floods.is_flood(network) is False


def test_one_address_needs_a_riddle_after_some_times_an_hour(daily: Newsletter) -> None:
    """Not silence: the sixth may be its owner, whose address somebody else has typed on and on."""
    those = [
        post(7, network=f"198.51.{n}.0/24", newsletter_ids=(daily.pk,)) for n in range(OF_AN_ADDRESS + 2)
    ]

    verdicts = [judged(each) for each in those]

    assert verdicts == [PASS] * OF_AN_ADDRESS + [RIDDLE] * 2
    assert judged(solved(those[-1])) == PASS
    assert judged(those[0], after=3600) == PASS


def test_what_is_counted_of_an_address_is_one_newsletters_alone(daily: Newsletter) -> None:
    for number in range(OF_AN_ADDRESS + 1):
        judged(post(7, network=f"198.51.{number}.0/24"))
        judged(post(7, network=f"203.0.{number}.0/24", newsletter_ids=(daily.pk + 1,)))

    assert judged(post(7, newsletter_ids=(daily.pk,))) == PASS


def test_very_many_wishes_for_a_link_make_each_need_a_riddle(daily: Newsletter) -> None:
    verdicts = [judged(post(number, network=f"198.51.{number}.0/24")) for number in range(LINKS + 2)]

    assert verdicts == [PASS] * LINKS + [RIDDLE] * 2
    assert judged(solved(post(999))) == PASS
    assert judged(post(1, newsletter_ids=(daily.pk,))) == PASS
    assert judged(post(1000), after=600) == PASS


def test_of_many_who_waited_at_once_as_many_come_in_as_there_is_room_for() -> None:
    those = [
        replace(post(number), riddle=guard.riddle(post(number), now=NOW).text) for number in range(WAITED * 2)
    ]

    with ThreadPoolExecutor(len(those)) as pool:
        verdicts = list(pool.map(lambda each: judged(each, after=30), those))

    assert sorted(verdict.name for verdict in verdicts) == ["PASS"] * WAITED + ["RIDDLE"] * WAITED


def test_riddles_do_not_use_up_what_an_address_has() -> None:
    """Whoever is refused must not be able to keep the address's owner out."""
    for _ in range(50):
        judged(replace(post(7), riddle="made up"))

    assert judged(post(7, network="198.51.100.0/24")) == PASS


def test_far_more_sign_ups_than_usual_are_a_siege_for_everybody(daily: Newsletter) -> None:
    Newsletter.objects.update(usual_sign_ups=5)

    verdicts = [judged(post(n, network=f"198.51.{n}.0/24", newsletter_ids=(daily.pk,))) for n in range(8)]

    assert verdicts == [PASS] * 5 + [RIDDLE] * 3
    siege = Siege.objects.get()
    assert (siege.newsletter, siege.began_at, siege.ended_at, siege.usual, siege.most) == (
        daily,
        NOW,
        None,
        5,
        6,
    )
    assert judged(solved(post(50, newsletter_ids=(daily.pk,)))) == PASS


def test_a_siege_of_one_newsletter_is_not_anothers(daily: Newsletter) -> None:
    Newsletter.objects.update(usual_sign_ups=0)

    assert judged(post(1, newsletter_ids=(daily.pk,))) == RIDDLE
    assert judged(post(2, newsletter_ids=(daily.pk + 1, daily.pk))) == RIDDLE
    assert judged(post(3, newsletter_ids=())) == PASS


def test_riddles_get_harder_for_a_network_that_goes_on(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subscribers.guard.judging.BITS", BITS)
    monkeypatch.setattr("subscribers.guard.judging.BITS_IN_A_SIEGE", BITS_IN_A_SIEGE)

    bits = [guard.riddle(post(), now=NOW).bits for _ in range(501)]

    assert (bits[0], bits[19], bits[20], bits[100], bits[500]) == (15, 15, 16, 17, 18)
    assert max(bits) == MOST_BITS
    assert guard.riddle(post(network="198.51.100.0/24"), now=NOW).bits == BITS


def test_judging_asks_the_database_nothing_but_every_few_seconds(
    daily: Newsletter, django_assert_num_queries: Any
) -> None:
    judged(post(0, newsletter_ids=(daily.pk,)))

    with django_assert_num_queries(0):
        for number in range(20):
            judged(post(number, newsletter_ids=(daily.pk,)))
