"""Whatever may befall an installation, drawn by a seed. `make soak` does the same for as long as you like."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.client import Name
from tests.faults import actions, runs
from tests.faults.conftest import ON_SERVERS, Install

READERS, SECONDS, LATENCY = 300, 5.0, 0.25
PROVIDERS: list[Name] = ["mailgun", "resend", "postmark", "smtp"] if ON_SERVERS else ["resend", "smtp"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_invariants_hold_whatever_happens(
    install: Install, seed: int, note: Callable[[str], None], provider: Name
) -> None:
    courant = install(provider, workers=2, processes=2)
    drawn = actions.ON_SERVERS if ON_SERVERS else actions.ANYWHERE

    run = runs.run(courant, drawn, seed=seed, readers=READERS, seconds=SECONDS, latency=LATENCY)

    note(run.line())
    assert run.wrong == [], f"{run.line()} {run.done}"
