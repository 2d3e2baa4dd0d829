from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from subscribers.guard import floods
from tests.subscribers.solving import solve

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def at_the_gate(
    riddle: str, answer: str = "", *, email: str = "reader0@example.com", after: float = 0
) -> Any:
    return floods.gate(email, riddle=riddle, answer=answer, now=NOW + timedelta(seconds=after))


def test_the_gate_lets_in_whoever_has_solved_its_riddle_or_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floods, "BITS", 2)
    asked = at_the_gate("")
    answer = solve(asked)

    assert at_the_gate(asked.text, answer) is None
    assert at_the_gate(asked.text, answer, email="victim@example.com").text != asked.text
    assert at_the_gate(asked.text, after=5).text == asked.text
    assert at_the_gate(asked.text, after=25) is None
    assert at_the_gate(asked.text, answer, after=601).text != asked.text
    assert at_the_gate("made up", answer) is not None


def test_one_riddle_opens_the_gate_a_few_times() -> None:
    asked = at_the_gate("")

    opened = [at_the_gate(asked.text, after=30) is None for _ in range(floods.PRESSES + 2)]

    assert opened == [True] * floods.PRESSES + [False] * 2
