"""Yesterday's database is put back while an issue goes out: nothing more leaves until a person has looked."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults import invariants, runs
from tests.faults.conftest import Install
from tests.faults.hurry import SWEEP

READERS, LATENCY = 200, 0.25
# In the order in which each refers to those before it.
TABLES = ("delivery_dispatch", "delivery_batch", "delivery_attempt", "delivery_delivery", "delivery_alarm")
BACKUP = [f"CREATE TABLE kept_{table} AS SELECT * FROM {table}" for table in TABLES]
RESTORE = [f"DELETE FROM {table}" for table in reversed(TABLES)]
RESTORE += [f"INSERT INTO {table} SELECT * FROM kept_{table}" for table in TABLES]


def test_restored_database_sends_nothing_until_somebody_accepts_it(
    install: Install, seed: int, note: Callable[[str], None]
) -> None:
    courant = install("mailgun")
    scene = runs.begun(courant, seed=seed, readers=READERS, latency=LATENCY)
    runs.wait_for(scene, lambda: courant.ledger.of(scene.dispatch)["accepted"] > READERS // 5)
    courant.ledger.change(*BACKUP)
    runs.wait_for(scene, lambda: courant.ledger.of(scene.dispatch)["accepted"] > READERS * 2 // 5)
    courant.stop()
    has = invariants.copies(scene)

    courant.ledger.change(*RESTORE)
    courant.start_workers(1)
    courant.start_beats(1)
    frozen = runs.wait_for(scene, lambda: courant.ask("status", scene.dispatch)["state"] == "paused")
    courant.ask("resume", scene.dispatch)
    time.sleep(4 * SWEEP)
    has_left = invariants.copies(scene) - has
    courant.manage("epoch", "--accept", "localhost")
    waited = courant.ask("status", scene.dispatch)["state"]
    runs.settled(scene)

    counts, twice = courant.ledger.of(scene.dispatch), invariants.copies(scene) - has
    note(f"restored: {sum(has.values())} had it before, {counts}")
    assert (frozen, has_left, waited) == (True, {}, "paused")
    assert counts["accepted"] + counts["uncertain"] == READERS
    assert set(has) | set(twice) == set(scene.readers)
    assert max(invariants.copies(scene).values()) == 2  # it was accepted that some may get it again
