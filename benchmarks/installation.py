"""A whole Courant for a measurement: PostgreSQL, Redis, workers, and an editor about to press "send"."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.usage import Usage
from config.processes import bound_to_parent
from tests import services

ROOT = Path(__file__).resolve().parent.parent
WORKER = "celery --quiet -A config worker --pool prefork --concurrency {processes} --loglevel info --without-gossip"
BEAT = "celery --quiet -A config beat --pidfile= --loglevel warning"
SLUG = "morning-courant"  # of the sample newsletter
# What a web process does when somebody presses the button: everything is loaded and waits for the word.
DESK = """
import sys
from django.core.management import call_command
from delivery.management.commands import send_issue
print("ready", flush=True)
for issue in sys.stdin:
    call_command("send_issue", {newsletter!r}, issue.strip())
"""


@dataclass(frozen=True, slots=True)
class Staff:
    """Those who work here."""

    usage: Usage
    desk: subprocess.Popen[bytes]
    words: Path  # what the desk said

    def send(self, issue: str) -> None:
        """Press the button."""
        assert self.desk.stdin is not None
        self.desk.stdin.write(f"{issue}\n".encode())

    def check(self) -> None:
        """The desk ends when it cannot send."""
        if self.desk.poll() is not None:
            raise SystemExit(f"Nothing was sent:\n{self.words.read_text()}")


@dataclass
class Installation:
    folder: Path
    environment: dict[str, str]
    postmaster: int | None = None  # PostgreSQL's first process, if that is our database

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"manage.py {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def run(self, script: str) -> str:
        """A few lines of Python inside Courant."""
        return self.manage("shell", "--no-imports", "-c", script)

    def rows(self, statement: str, given: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Straight from PostgreSQL, over one connection: to make another costs more than most questions."""
        cursor = self._connection.execute(statement.encode(), given)
        return cursor.fetchall() if cursor.description else []

    @cached_property
    def _connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.environment["DATABASE_URL"], autocommit=True)

    @contextmanager
    def workers(self, *, processes: int = 2) -> Iterator[Staff]:
        """A worker and beat, as docs/install.md starts them, and a desk; watched until the block ends."""
        commands = {
            "worker": ("-m", *WORKER.format(processes=processes).split()),
            "beat": ("-m", *BEAT.split()),
            "desk": ("manage.py", "shell", "--no-imports", "-c", DESK.format(newsletter=SLUG)),
        }
        logs = {name: self.folder / f"{name}.log" for name in commands}
        with ExitStack() as stack:
            started = [
                stack.enter_context(self._running(*words, log=logs[name])) for name, words in commands.items()
            ]
            _wait_for(b" ready.", logs["worker"])
            _wait_for(b"ready", logs["desk"])
            pids = [process.pid for process in started]
            with Usage(pids, database=self.postmaster).watched() as usage:
                yield Staff(usage, desk=started[-1], words=logs["desk"])

    @contextmanager
    def _running(self, *words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for us; we ask them one after the other
                preexec_fn=bound_to_parent(),
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(90)
            assert process.stdin is not None
            process.stdin.close()


def _wait_for(word: bytes, log: Path, *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while word not in log.read_bytes():
        if time.monotonic() > deadline:
            raise SystemExit(f"It does not come up:\n{log.read_text()}")
        time.sleep(0.1)


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
        installation = Installation(folder, environment)
        if on_servers:
            postgres = stack.enter_context(services.postgres_server())
            environment["DATABASE_URL"], installation.postmaster = postgres.url, postgres.pid
            environment["REDIS_URL"] = stack.enter_context(services.redis())
        installation.manage("migrate", "--verbosity", "0")
        yield installation


@contextmanager
def timed(times: dict[str, float], name: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    times[name] = time.monotonic() - start
