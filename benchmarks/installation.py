"""A whole Courant for a measurement: PostgreSQL, Redis, workers, and a watch on what they use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests import services

ROOT = Path(__file__).resolve().parent.parent
WORKER = "celery --quiet -A config worker --pool prefork --concurrency {processes} --loglevel info --without-gossip"
BEAT = "celery --quiet -A config beat --pidfile= --loglevel warning"


@dataclass
class Usage:
    """Of Courant's own processes: the highest memory of any one of them (bytes), and CPU seconds of all."""

    peak: int = 0
    before: dict[int, float] = field(default_factory=dict)  # by process, when it was first looked at
    latest: dict[int, float] = field(default_factory=dict)

    @property
    def cpu_seconds(self) -> float:
        """Since the workers were ready: their start is not the issue's."""
        return sum(self.latest[pid] - self.before[pid] for pid in self.latest)


@dataclass
class Installation:
    folder: Path
    environment: dict[str, str]

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"manage.py {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    @contextmanager
    def workers(self, *, processes: int = 2) -> Iterator[Usage]:
        """A worker and beat, as docs/install.md starts them, watched until the block ends."""
        usage, over = Usage(), threading.Event()
        file = self.folder / "worker.log"
        log = file.open("wb")
        started = [
            subprocess.Popen(
                [sys.executable, "-m", *command.split()],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
            for command in (WORKER.format(processes=processes), BEAT)
        ]
        deadline = time.monotonic() + 60
        while b" ready." not in file.read_bytes():
            if time.monotonic() > deadline:
                raise SystemExit(f"The worker does not come up:\n{file.read_text()}")
            time.sleep(0.1)
        watch = threading.Thread(target=_watch, args=([process.pid for process in started], usage, over))
        watch.start()
        try:
            yield usage
        finally:
            over.set()
            watch.join()
            for process in started:
                process.send_signal(signal.SIGTERM)
            for process in started:
                process.wait(90)


def _watch(pids: list[int], usage: Usage, over: threading.Event) -> None:
    while not over.wait(0.1):
        for pid in pids:
            try:
                family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
            for process in family:
                try:
                    times = process.cpu_times()
                    usage.peak = max(usage.peak, process.memory_info().rss)
                    usage.latest[process.pid] = times.user + times.system
                    usage.before.setdefault(process.pid, usage.latest[process.pid])
                except psutil.NoSuchProcess:
                    continue


@contextmanager
def installed(*, mailer_url: str, on_servers: bool = True) -> Iterator[Installation]:
    """An empty installation, migrated, that hands issues over to `mailer_url`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="courant-bench-")))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DATA_DIR": str(folder),
            "DEBUG": "1",
            "SITE_URL": "http://localhost:8000",
            "MAILER_URL": mailer_url,
            "TRANSACTIONAL_MAILER_URL": "outbox://",
        }
        if on_servers:
            environment["DATABASE_URL"] = stack.enter_context(services.postgres())
            environment["REDIS_URL"] = stack.enter_context(services.redis())
        installation = Installation(folder, environment)
        installation.manage("migrate", "--verbosity", "0")
        yield installation


@contextmanager
def timed(times: dict[str, float], name: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    times[name] = time.monotonic() - start
