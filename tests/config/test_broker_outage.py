"""Redis is away: pages do not wait for it, and workers wait for ever. With real processes and real sockets."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.processes import bound_to_parent
from tests import services

ROOT = Path(__file__).resolve().parents[2]
WORKER = "celery --quiet -A config worker --pool threads --queues mail --loglevel info"
# As the admin does it: asked for in a transaction, handed to the broker after its end.
WAKE = """
import time
from django.db import transaction
from subscribers import tasks
for _ in range(2):
    with transaction.atomic():
        tasks.wake(7)
        started = time.monotonic()
    print(time.monotonic() - started)
"""


def environment(folder: Path, port: int) -> dict[str, str]:
    redis = f"redis://127.0.0.1:{port}/0"
    return {"PATH": os.environ["PATH"], "DEBUG": "1", "DATA_DIR": str(folder), "REDIS_URL": redis}


@pytest.fixture
def port() -> Iterator[int]:
    """Of a socket that is bound and does not listen: whoever connects is refused."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Of a server that takes connections and never says a word, as a frozen Redis does."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("kind", ["port", "silent_port"])
def test_page_does_not_wait_for_redis_and_does_not_fail(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", WAKE],
        cwd=ROOT,
        env=environment(tmp_path, request.getfixturevalue(kind)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert [float(line) < 2 for line in done.stdout.splitlines()] == [True, True], done.stdout
    assert done.stderr.count("The broker cannot be reached; the sweep will see to it") == 2


def test_worker_waits_for_redis_and_finds_it_again_after_a_crash(tmp_path: Path) -> None:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        reason = "redis-server is not installed (Debian: apt install redis-server)"
        pytest.fail(reason) if services.is_required() else pytest.skip(reason)
    port = services.free_port()
    redis = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""]
    log = tmp_path / "worker.log"

    with running([sys.executable, "-m", *WORKER.split()], log, environment(tmp_path, port)) as worker:
        wait(lambda: "Cannot connect to redis" in log.read_text(), log)
        with running(redis, tmp_path / "redis.log", {}):
            wait(lambda: " ready." in log.read_text(), log)
        wait(lambda: "Connection to broker lost" in log.read_text(), log)
        with running(redis, tmp_path / "redis.log", {}):
            wait(lambda: log.read_text().count("Connected to redis") == 2, log)

        assert worker.poll() is None


@contextmanager
def running(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Until the block ends, and then killed outright."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            preexec_fn=bound_to_parent(death_signal=signal.SIGKILL),
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait(is_so: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + 45
    while not is_so():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
