"""A worker dies, or freezes for longer than its leases, at each numbered step of sending: all of them in one issue."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.client import Name
from tests.faults import invariants, runs
from tests.faults.actions import Scene
from tests.faults.conftest import Install
from tests.faults.ground import Ground
from tests.faults.places import PLACES

READERS = 400
CONCURRENCY = 16  # of the mailer; whoever is dead or frozen keeps its place until the lease is over
IN_FLIGHT = CONCURRENCY // 2
NOT_BY = {"smtp": {"half_asked", "asked"}, "mailgun": {"told"}, "resend": {"told"}}


@pytest.mark.parametrize("provider", ["mailgun", "smtp"])
def test_worker_killed_at_each_step_loses_and_doubles_nobody(
    install: Install, seed: int, note: Callable[[str], None], provider: Name
) -> None:
    courant = install(provider, concurrency=CONCURRENCY)
    places = [place for place in PLACES if place not in NOT_BY[provider]]
    armed = dict.fromkeys([*places, "desk-published"], "kill")
    scene = runs.begun(courant, seed=seed, readers=READERS, armed=armed)
    scene.doubts = IN_FLIGHT * sum(PLACES[place].has_left for place in places)

    killed = runs.wait_for(scene, lambda: {deed[0] for deed in courant.deeds()} == set(armed))
    wrong = runs.closed(scene)

    note(line(scene, f"{len(courant.deeds())} killed"))
    assert (killed, wrong) == (True, [])


def test_worker_frozen_at_each_step_holds_nobody_up_and_doubles_nobody(
    servers: Ground, install: Install, seed: int, note: Callable[[str], None]
) -> None:
    courant = install("resend", concurrency=CONCURRENCY, processes=CONCURRENCY + 2)
    places = [place for place in PLACES if place not in NOT_BY["resend"]]
    scene = runs.begun(courant, seed=seed, readers=READERS, armed=dict.fromkeys(places, "freeze"))
    scene.doubts = IN_FLIGHT * sum(PLACES[place].has_left for place in places)

    frozen = runs.wait_for(scene, lambda: {deed[0] for deed in courant.deeds()} == set(places))
    others_went_on = runs.wait_for(scene, lambda: runs.is_over(scene))
    wrong = runs.closed(scene)

    note(line(scene, f"{len(courant.deeds())} frozen"))
    assert (frozen, others_went_on, wrong) == (True, True, [])


def line(scene: Scene, what: str) -> str:
    figures, _ = invariants.at_the_end(scene)
    return f"{scene.courant.fake.name}: {what}, {figures}"
