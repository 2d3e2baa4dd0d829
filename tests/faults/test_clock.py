"""A worker's clock jumps by hours and days. What it promised others is reckoned by the database's clock."""

from __future__ import annotations

import importlib.util
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import runs
from tests.faults.conftest import Install
from tests.faults.ground import Ground

READERS, LATENCY = 300, 0.25
JUMPS = ("+3600", "-3600", "+86400", "-86400")  # seconds from the true time


@pytest.fixture
def clock(tmp_path: Path) -> dict[str, str]:
    """An environment whose clock goes as the file in it says. Monotonic clocks go on as they were, as in a jump."""
    found = importlib.util.find_spec("libfaketime")
    for folder in (found.submodule_search_locations or []) if found else []:
        library = Path(folder) / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
        tried = {"LD_PRELOAD": str(library), "FAKETIME": JUMPS[-1]}
        shown = subprocess.run(["date", "+%s"], env=tried, capture_output=True, text=True, check=False)
        if shown.returncode == 0 and int(shown.stdout) < time.time() - 3600:
            file = tmp_path / "clock"
            file.write_text("+0")
            settled = dict.fromkeys(
                ("FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"), "1"
            )
            return settled | {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(file)}
    pytest.skip("libfaketime has no wheel for this machine, so no clock is set")


def test_clock_that_jumps_loses_and_doubles_nobody(
    servers: Ground, install: Install, clock: dict[str, str], seed: int, note: Callable[[str], None]
) -> None:
    courant = install("mailgun", processes=2)
    courant.start_workers(1, processes=2, **clock)
    file = Path(clock["FAKETIME_TIMESTAMP_FILE"])
    frozen = {"written_ahead": "freeze"}
    scene = runs.begun(courant, seed=seed, readers=READERS, latency=LATENCY, armed=frozen)

    has_frozen = runs.wait_for(scene, lambda: bool(courant.deeds()))
    for jump in JUMPS:  # it wakes into a day that seems not to have come yet
        file.write_text(jump)
        time.sleep(0.7)
    scene.doubts = 2  # what it had said before it froze, and what it did not say
    wrong = runs.closed(scene)

    counts = courant.ledger.of(scene.dispatch)
    note(f"clock: {counts}")
    assert (has_frozen, wrong) == (True, [])
