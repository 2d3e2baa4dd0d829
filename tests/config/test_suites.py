"""`make test` and Ctrl-C: each suite is asked once, also the one that is being begun at that moment."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO

import pytest

from scripts.suites import Run, Runs, Suite

# Says how often it was asked, and ends a moment after the first time.
PROGRAM = """
import signal, time
asked = []
signal.signal(signal.SIGINT, lambda *given: asked.append(1))
print("ready", flush=True)
while not asked:
    time.sleep(0.01)
time.sleep(0.2)
print(len(asked), flush=True)
"""


@pytest.fixture
def two() -> Iterator[list[Run]]:
    started = [
        subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, start_new_session=True)
        for _ in range(2)
    ]
    for process in started:
        assert process.stdout
        process.stdout.readline()
    yield [Run(Suite("a suite", {}), process, BytesIO()) for process in started]
    for process in started:
        process.kill()
        process.communicate()


def said(run: Run) -> bytes:
    return run.process.communicate(timeout=10)[0]


def test_suite_that_is_begun_when_ctrl_c_comes_is_stopped_too(two: list[Run]) -> None:
    runs = Runs()

    runs.add(two[0])
    runs.stop(signal.SIGINT, None)
    runs.add(two[1])

    assert [said(run) for run in two] == [b"1\n", b"1\n"]


def test_suites_run_on_until_somebody_wants_to_stop(two: list[Run]) -> None:
    runs = Runs()

    for run in two:
        runs.add(run)

    assert [run.process.poll() for run in two] == [None, None]
    assert not runs.is_over
