"""`make test`: the suite on SQLite, and on PostgreSQL and Redis, beside each other. Its arguments are for pytest.

Much of a run is waiting, for browsers and servers and for what a worker does next, so two together take little longer
than one. They share no database, no port and no folder. The lines of the first are shown as they come, then all those
of the second; the suite has passed when both have.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.processes import bound_to_parent  # noqa: E402 -- the path first

if TYPE_CHECKING:
    from types import FrameType

SERVICES = ("DATABASE_URL", "REDIS_URL", "TEST_SERVICES")
OWN_CACHE = ("-o", "cache_dir=.pytest_cache/servers")  # pytest refuses it where there is no cache
LOOK_EVERY = 0.2  # seconds
NOTHING_CHOSEN = 5  # pytest's exit code when ARGS leave no test


@dataclass(frozen=True, slots=True)
class Suite:
    name: str
    environment: dict[str, str]
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    suite: Suite
    process: subprocess.Popen[bytes]
    log: BinaryIO


def suites(given: list[str]) -> list[Suite]:
    plain = {name: value for name, value in os.environ.items() if name not in SERVICES}
    return [
        Suite("SQLite and the embedded broker", plain),
        Suite(
            "PostgreSQL and Redis (without what touches no service)",
            os.environ | {"TEST_SERVICES": "postgres-redis"},
            ("-m", "not bare", *([] if "no:cacheprovider" in given else OWN_CACHE)),
        ),
    ]


def begin(suite: Suite, given: list[str], *, stack: ExitStack) -> Run:
    """In a session of its own: Ctrl-C comes to us, and we ask each pytest once, which then stops what it started."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="courant-suite-")))
    written = stack.enter_context((folder / "log").open("wb"))
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *colour, *suite.arguments, *given],
        cwd=ROOT,
        env=suite.environment,
        stdin=subprocess.DEVNULL,
        stdout=written,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=bound_to_parent(death_signal=signal.SIGINT),
    )
    stack.callback(end, process)
    return Run(suite, process, stack.enter_context((folder / "log").open("rb")))


def show(run: Run) -> None:
    """What it has written and writes, until it ends."""
    print(f"== {run.suite.name}", flush=True)
    has_ended = False
    while not has_ended:
        has_ended = run.process.poll() is not None
        while chunk := run.log.read(65536):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
        if not has_ended:
            time.sleep(LOOK_EVERY)


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks once more where nobody waits for it any longer, as when whoever read our lines has gone."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait()


@dataclass
class Runs:
    """Asked to stop with Ctrl-C, once for each time it is pressed: also the one that is being begun meanwhile."""

    begun: list[Run] = field(default_factory=list)
    asked: set[int] = field(default_factory=set)  # their processes
    is_over: bool = False

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        self.is_over = True
        for run in self.begun:
            self._ask(run)

    def add(self, run: Run) -> None:
        self.begun.append(run)
        if self.is_over and run.process.pid not in self.asked:
            self._ask(run)

    def _ask(self, run: Run) -> None:
        self.asked.add(run.process.pid)
        run.process.send_signal(signal.SIGINT)


def main(given: list[str]) -> int:
    runs = Runs()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, runs.stop)
    with ExitStack() as stack:
        for suite in suites(given):
            if not runs.is_over:
                runs.add(begin(suite, given, stack=stack))
        for run in runs.begun:
            show(run)
    return 1 if runs.is_over else verdict(runs.begun)


def verdict(runs: list[Run]) -> int:
    codes = [run.process.wait() for run in runs]
    # ARGS may choose tests that only one of the two runs; that neither has any is a mistake in them.
    fine = {0} if set(codes) == {NOTHING_CHOSEN} else {0, NOTHING_CHOSEN}
    failed = [run.suite.name for run, code in zip(runs, codes, strict=True) if code not in fine]
    for name in failed:
        print(f"FAILED: {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
