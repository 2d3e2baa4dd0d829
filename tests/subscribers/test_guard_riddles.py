from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from subscribers.guard import riddles
from subscribers.guard.riddles import Outcome
from tests.subscribers.solving import solve

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
ADA = "ada@example.com"
EASY = 4  # bits


def look(text: str, answer: str, *, email: str = ADA, after: float = 0.0) -> Outcome:
    return riddles.look(text, answer, email=email, now=NOW + timedelta(seconds=after))


def test_a_solved_riddle_is_good_for_ten_minutes() -> None:
    riddle = riddles.make(ADA, bits=EASY, now=NOW)
    answer = solve(riddle)

    assert look(riddle.text, answer) == Outcome.SOLVED
    assert look(riddle.text, answer, after=600) == Outcome.SOLVED
    assert look(riddle.text, answer, after=601) == Outcome.WRONG


def test_a_riddle_of_the_usual_difficulty_can_be_solved() -> None:
    riddle = riddles.make(ADA, bits=10, now=NOW)

    assert look(riddle.text, solve(riddle)) == Outcome.SOLVED


def test_a_riddle_is_of_one_address() -> None:
    riddle = riddles.make(ADA, bits=EASY, now=NOW)

    assert look(riddle.text, solve(riddle), email="bob@example.com") == Outcome.WRONG


@pytest.mark.parametrize(
    "answer",
    [
        "0",
        ".".join(["0"] * 16),
        ".".join(["0"] * 15),
        "." * 15,
        "." * 100_000,
        "9" * 100_000,
        "\0",
        "²." * 15 + "²",
        "\u202e",
    ],
)
def test_a_wrong_answer_is_wrong(answer: str) -> None:
    riddle = riddles.make(ADA, bits=14, now=NOW)

    assert look(riddle.text, answer) == Outcome.WRONG


def test_an_answer_does_not_solve_another_riddle() -> None:
    one, other = (riddles.make(ADA, bits=8, now=NOW) for _ in range(2))

    assert look(other.text, solve(one)) == Outcome.WRONG


def test_a_number_may_not_be_longer_than_fits_into_a_block() -> None:
    riddle = riddles.make(ADA, bits=0, now=NOW)

    assert look(riddle.text, ".".join(["1234567890"] * 16)) == Outcome.SOLVED
    assert look(riddle.text, ".".join(["12345678901"] * 16)) == Outcome.WRONG


def test_waiting_is_told_from_the_riddles_own_time() -> None:
    riddle = riddles.make(ADA, bits=14, now=NOW)

    assert [look(riddle.text, "", after=seconds) for seconds in (0, 22, 23, 600, 601)] == [
        Outcome.EARLY,
        Outcome.EARLY,
        Outcome.WAITED,
        Outcome.WAITED,
        Outcome.WRONG,
    ]


def test_what_is_left_to_wait_has_a_line_in_the_style_sheet() -> None:
    riddle = riddles.make(ADA, bits=14, now=NOW)

    left = [
        found[0].seconds
        for after in range(25)
        if (found := riddles.read(riddle.text, email=ADA, now=NOW + timedelta(seconds=after)))
    ]

    assert (left[0], left[1], left[-1], set(left)) == (25, 25, 5, {5, 10, 15, 20, 25})


@pytest.mark.parametrize("text", ["", "x", "1.2.3.4", "~", "1777887000.0.abc.def~sig", "\0" * 50, "é" * 5000])
def test_a_riddle_that_is_not_ours_is_wrong(text: str) -> None:
    assert look(text, "") == Outcome.WRONG


def test_an_altered_riddle_is_wrong() -> None:
    riddle = riddles.make(ADA, bits=14, now=NOW)
    easier = riddle.text.replace(".14.", ".1.", 1)

    assert look(easier, "") == Outcome.WRONG


def test_a_riddle_outlives_a_new_key(settings: Any) -> None:
    settings.LINK_KEYS = ["old"]
    riddle = riddles.make(ADA, bits=EASY, now=NOW)

    settings.LINK_KEYS = ["new", "old"]

    assert look(riddle.text, solve(riddle)) == Outcome.SOLVED


def test_a_riddle_does_not_say_whose_it_is() -> None:
    assert "ada" not in riddles.make(ADA, bits=EASY, now=NOW).text


def test_a_riddle_is_spent_once() -> None:
    riddle = riddles.make(ADA, bits=EASY, now=NOW)

    assert [riddles.spend(riddle.text) for _ in range(3)] == [True, False, False]
