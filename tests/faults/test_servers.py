"""PostgreSQL and Redis crash, freeze and forget while an issue goes out."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults import actions, invariants, runs
from tests.faults.conftest import Install
from tests.faults.ground import Ground

READERS, LATENCY, CRASHES = 400, 0.3, 2
REDIS = (actions.empty_redis, actions.restart_redis, actions.freeze_redis)


def test_crashes_while_answers_are_recorded_lose_and_double_nobody(
    servers: Ground, install: Install, seed: int, note: Callable[[str], None]
) -> None:
    courant = install("mailgun")
    scene = runs.begun(courant, seed=seed, readers=READERS, latency=LATENCY)
    caught, wrong = [], list[str]()

    for redis_fault in REDIS:
        redis_fault(scene)
    for number in range(1, CRASHES + 1):
        courant.arm("recording", "freeze 1")  # in the middle of its transaction
        caught.append(runs.wait_for(scene, lambda number=number: len(courant.deeds()) == number))
        scene.doubts += actions.crash_postgres(scene)
        courant.thaw()
        wrong += invariants.at_any_moment(scene)
    wrong += runs.closed(scene)

    note(f"servers: {courant.ledger.of(scene.dispatch)}")
    assert (caught, wrong) == ([True] * CRASHES, [])
