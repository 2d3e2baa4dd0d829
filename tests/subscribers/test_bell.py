"""One message for many: none that rings is left without one that is handed out after it."""

from __future__ import annotations

import time

import pytest

from subscribers import bell
from subscribers.bell import PAUSE, Bell
from tests.subscribers.together import together

pytestmark = pytest.mark.bare


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(bell, "time", clock)
    return clock


@pytest.mark.usefixtures("clock")
def test_bell_rings_at_once_and_once_more_for_all_who_follow() -> None:
    rung: list[float] = []
    hung = Bell(rung.append)

    for _ in range(100):
        hung.pull()

    assert rung == [0.0, PAUSE]


def test_bell_rings_at_once_after_its_pause(clock: Clock) -> None:
    rung: list[float] = []
    hung = Bell(rung.append)

    for _ in range(3):
        hung.pull()
        clock.now += PAUSE

    assert rung == [0.0, 0.0, 0.0]


def test_who_rings_is_always_found_by_a_message_that_is_handed_out_later(clock: Clock) -> None:
    handed_out: list[float] = []
    hung = Bell(lambda seconds: handed_out.append(clock.now + seconds))
    pulled = []

    for step in range(1000):
        clock.now += 0.001 + step % 7 / 20
        hung.pull()
        pulled.append(clock.now)

    assert all(any(at <= each <= at + PAUSE for each in handed_out) for at in pulled)
    assert len(handed_out) < len(pulled)


def test_bell_is_pulled_by_many_threads() -> None:
    rung: list[float] = []
    hung = Bell(rung.append)
    began = time.monotonic()

    together(*[hung.pull] * 20)

    took = time.monotonic() - began
    assert rung[:2] == [0.0, pytest.approx(PAUSE, abs=took)]
    assert len(rung) <= 2 + 2 * took / PAUSE
