"""What is no fault of anybody's: deploys, three beats, wake-ups five times over, a restless desk, readers who leave."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults import actions, invariants, runs
from tests.faults.actions import Scene
from tests.faults.conftest import ON_SERVERS, Install

READERS, LATENCY = 300, 0.4
EVERYDAY = [actions.deliver_everything_five_times, actions.pause_and_resume, actions.readers_leave]
if ON_SERVERS:  # a restart waits for what is in hand, which costs time that SQLite's selection does not have
    EVERYDAY += [actions.end_a_worker, actions.kill_beat, actions.bring_another_beat]


def test_two_issues_at_once_reach_everybody_once_and_leave_no_doubt(
    install: Install, seed: int, note: Callable[[str], None]
) -> None:
    courant = install("mailgun", workers=2, processes=2)
    courant.start_beats(2)
    one, other = (runs.begun(courant, seed=seed, readers=READERS, latency=LATENCY) for _ in range(2))
    wrong: list[str] = []

    for number, action in enumerate(one.chance.sample(EVERYDAY, len(EVERYDAY))):
        if number == 1:
            runs.wait_for(other, lambda: bool(invariants.copies(other)))
            has_stopped = courant.ask("stop", other.dispatch)
            other.is_stopped = True
        wrong += befall(one, action) + befall(other, action)
    wrong += runs.closed(one) + runs.closed(other)

    counts = courant.ledger.of(one.dispatch), courant.ledger.of(other.dispatch)
    note(f"two issues at once: {counts} {one.done} {other.done}")
    assert (has_stopped, wrong) == (True, [])
    assert [row["dispatch"] for row in counts] == ["sent", "stopped"]
    assert [row["uncertain"] + row["failed"] for row in counts] == [0, 0]
    assert one.doubts + other.doubts == 0


def befall(scene: Scene, action: Callable[[Scene], int]) -> list[str]:
    scene.done.append(action.__name__)
    scene.doubts += action(scene)
    runs.look_after(scene)
    return invariants.at_any_moment(scene)
