"""The first mailer stops taking mails in the middle: the second goes on with whoever surely was not handed over."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults import runs
from tests.faults.conftest import Install

READERS, LATENCY = 500, 0.2


def test_second_mailer_takes_over_and_gives_back_and_nobody_has_it_from_both(
    install: Install, seed: int, note: Callable[[str], None]
) -> None:
    courant = install("mailgun", "postmark")
    first, second = courant.fakes
    scene = runs.begun(courant, seed=seed, readers=READERS, latency=LATENCY)

    began = runs.wait_for(scene, lambda: first.seen()["recipients"] > 0)
    first.faults(latency=LATENCY, drop_every=2, times=2)  # taken, and nobody knows it
    dropped = runs.wait_for(scene, lambda: first.seen()["met"] == {"drop": 2})
    first.faults(latency=LATENCY, error_every=1, error_status=403)
    took_over = runs.wait_for(scene, lambda: second.seen()["recipients"] > READERS // 10)
    by_first = first.seen()["recipients"]
    first.faults(latency=LATENCY)
    gave_back = runs.wait_for(scene, lambda: first.seen()["recipients"] > by_first)
    wrong = runs.closed(scene)

    counts = courant.ledger.of(scene.dispatch)
    note(
        f"failover: {first.seen()['recipients']} by one, {second.seen()['recipients']} by the other, {counts}"
    )
    assert (began, dropped, took_over, gave_back, wrong) == (True, True, True, True, [])
    assert (counts["uncertain"], counts["accepted"]) == (20, READERS - 20)
