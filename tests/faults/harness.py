"""A whole Courant that faults can be done to: servers, a provider, workers, beat, and somebody at the desk.

with installed("mailgun", folder=tmp_path) as courant:
    courant.start_workers(2)
    courant.ask("send", "daily")
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from tests.fakes.client import PROJECT, Fake
from tests.faults.ground import manage
from tests.faults.hurry import PROVIDER_TIMEOUT
from tests.faults.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.client import Name
    from tests.faults.ground import Ground
    from tests.services import Server

BATCH, CONCURRENCY, PROCESSES = 10, 4, 2
CELERY = "celery --quiet -A tests.faults.worker"
WORKER = f"{CELERY} worker --concurrency %c --loglevel warning --without-gossip --without-mingle -n %n"
BEAT = f"{CELERY} beat --pidfile= --loglevel warning --schedule %f/beat.%n"
START_SECONDS, STOP_SECONDS = 60.0, 30.0


@dataclass
class Courant:
    """Everything that runs, and what was done to it."""

    folder: Path
    environment: dict[str, str]
    fakes: list[Fake]
    database: Server | None = None
    redis: Server | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    beats: list[subprocess.Popen[bytes]] = field(default_factory=list)
    processes: int = PROCESSES  # of each worker
    highest_memory: int = 0
    _desk: subprocess.Popen[str] | None = None
    _started: int = 0

    @property
    def fake(self) -> Fake:
        return self.fakes[0]

    @property
    def armed(self) -> Path:
        return self.folder / "armed"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.environment["DATABASE_URL"])

    def start_workers(self, count: int, *, processes: int = PROCESSES, **environment: str) -> None:
        self.processes = processes
        self.workers += [self._start(WORKER, **environment) for _ in range(count)]

    def start_beats(self, count: int) -> None:
        self.beats += [self._start(BEAT) for _ in range(count)]

    def revive(self) -> None:
        """Another process for each that has died, as every supervisor does."""
        for running, command in ((self.workers, WORKER), (self.beats, BEAT)):
            for place, process in enumerate(running):
                if process.poll() is not None:
                    running[place] = self._start(command)

    def dismiss(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        """End one main process and everything that it started."""
        if process.poll() is not None:
            return
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)

    def children(self) -> list[psutil.Process]:
        """Those that do the work, and how much memory they take."""
        found: list[psutil.Process] = []
        for worker in self.workers:
            try:
                found += psutil.Process(worker.pid).children(recursive=True)
                self.highest_memory = max(
                    [self.highest_memory, *(child.memory_info().rss for child in found)]
                )
            except psutil.NoSuchProcess:
                continue
        return found

    def arm(self, place: str, deed: str) -> None:
        """The next process that passes there does it."""
        file = self.armed / place
        new = file.with_suffix(".new")
        new.write_text(deed)
        new.rename(file)

    def disarm(self) -> None:
        for file in self.armed.iterdir():
            if "." not in file.name:
                file.unlink(missing_ok=True)

    def deeds(self) -> list[tuple[str, str, int]]:
        """(place, deed, process) of everything that has happened at an armed place."""
        found = [file.name.split(".") for file in self.armed.iterdir()]
        return [(name[0], name[1], int(name[2])) for name in found if len(name) == 4]

    def thaw(self) -> None:
        for place, deed, pid in self.deeds():
            if deed == "freeze":
                for file in self.armed.glob(f"{place}.freeze.{pid}.*"):
                    file.rename(file.with_name(file.name.replace("freeze", "thawed")))
                _signal(pid, signal.SIGCONT)
        for process in [*self.workers, *self.beats]:
            _signal(process.pid, signal.SIGCONT)
        for child in self.children():
            _signal(child.pid, signal.SIGCONT)

    def ask(self, verb: str, *arguments: Any) -> Any:
        """What somebody does at the desk. Raises Trouble with what they would see."""
        if self._desk is None:
            self._desk = self._start_desk()
        assert self._desk.stdin is not None
        assert self._desk.stdout is not None
        try:
            self._desk.stdin.write(json.dumps([verb, *arguments]) + "\n")
            self._desk.stdin.flush()
            line = self._desk.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._let_desk_go()
            raise Trouble(f"The desk's process has died. {self.log()[-500:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise Trouble(answer["error"])
        return answer["is"]

    def manage(self, *words: str) -> str:
        return manage(self.environment, *words)

    def stop(self, *, harshly: bool = False) -> None:
        self.disarm()
        self.thaw()
        running = [*self.beats, *self.workers]
        for process in running:
            self.dismiss(process, signal.SIGKILL if harshly else signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGABRT)  # each writes into the log where it stands
                time.sleep(0.5)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._let_desk_go()
        self.beats, self.workers = [], []

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _let_desk_go(self) -> None:
        if self._desk is None:
            return
        self._desk.kill()
        self._desk.wait()
        for stream in (self._desk.stdin, self._desk.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):  # what it has not read
                stream.close()
        self._desk = None

    def _start(self, command: str, **environment: str) -> subprocess.Popen[bytes]:
        self._started += 1
        name = f"n{self._started}"
        words = (
            command.replace("%n", name)
            .replace("%f", str(self.folder))
            .replace("%c", str(self.processes))
            .split()
        )
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=PROJECT,
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that a worker and its children can be killed as one
            )

    def _start_desk(self) -> subprocess.Popen[str]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.faults.desk"],
                cwd=PROJECT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )


class Trouble(Exception):
    """What somebody at the desk is told when something does not work at this moment."""


@contextmanager
def installed(
    *names: Name, folder: Path, ground: Ground, concurrency: int = CONCURRENCY
) -> Iterator[Courant]:
    """An empty installation that hands issues over to the first provider, and to the second when that one fails."""
    with ExitStack() as stack:
        fakes = [stack.enter_context(Fake(name, keep="all")) for name in names]
        environment = ground.new() | _environment(folder, fakes, concurrency)
        courant = Courant(folder, environment, fakes, ground.postgres, ground.redis)
        courant.armed.mkdir()
        stack.callback(courant.stop, harshly=True)
        yield courant


def _environment(folder: Path, fakes: list[Fake], concurrency: int) -> dict[str, str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DATA_DIR": str(folder),
        "FAULTS_DIR": str(folder / "armed"),
        "DEBUG": "1",
        "SITE_URL": "http://localhost:8000",
        "TRANSACTIONAL_MAILER_URL": "outbox://",
        "PYTHONFAULTHANDLER": "1",
    }
    names = ("MAILER_URL", "FALLBACK_MAILER_URL")
    return environment | {
        name: _mailer_url(fake, concurrency) for name, fake in zip(names, fakes, strict=False)
    }


def _mailer_url(fake: Fake, concurrency: int) -> str:
    given = f"batch_size={BATCH}&concurrency={concurrency}&per_second=100000&timeout={PROVIDER_TIMEOUT}"
    return f"{fake.mailer_url}{'&' if '?' in fake.mailer_url else '?'}{given}"


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
