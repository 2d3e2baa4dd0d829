"""PostgreSQL stopped for good in the middle of a hand-over, and started again later."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from django.db import connection

from benchmarks.installation import ROOT, installed
from delivery import spool
from tests.delivery.engine import only
from tests.fakes.client import Fake

PREPARE = "from delivery import preparation; preparation.prepare(1)"
SEND = """
from delivery import submission
submission.RECORD_AGAIN_AFTER = (0.5, 0.5)
submission.send_for(1, seconds=20)
"""
SWEEP = "from delivery import recovery; recovery.recover()"


def test_postgresql_that_is_stopped_for_long_costs_nobody() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL is not asked for")
    with Fake("mailgun", keep="none") as fake, installed(mailer_url=fake.mailer_url) as courant:
        courant.manage("seed_demo", "--subscribers", "40")
        courant.manage("send_issue", "morning-courant", "the-tide-keeps-its-own-clock")
        courant.manage("shell", "--no-imports", "-c", PREPARE)
        fake.faults(latency=3)
        sender = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", SEND],
            cwd=ROOT,
            env=courant.environment,
        )
        data = stopped_after_the_first_attempt(courant.environment["DATABASE_URL"])
        ended = sender.wait(60)
        kept = list((courant.folder / spool.FOLDER).glob("*.json"))
        with started_again(data):
            courant.manage("shell", "--no-imports", "-c", SWEEP)
            [status] = json.loads(courant.manage("dispatch_status", "--json"))

    assert (ended, len(kept)) == (0, 1)
    left_out = sum(status["skipped_by_reason"].values())
    assert (status["audience"], left_out in {3, 5}) == (
        39,
        True,
    )  # one of the 40 rests; two want weekdays only
    assert {name: status[name] for name in only()} == only(
        accepted=status["audience"] - left_out, skipped=left_out
    )
    assert set(status["skipped_by_reason"]) <= {"weekly", "weekend"}  # of the sample readers, who chose so


def stopped_after_the_first_attempt(url: str) -> Path:
    """Returns the server's data folder."""
    folder = Path(unquote(urlsplit(url).netloc.partition("@")[2]))
    with psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True) as database:
        while not database.execute("SELECT count(*) FROM delivery_attempt").fetchone()[0]:
            time.sleep(0.05)
    pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGINT)
    while (folder / "data" / "postmaster.pid").exists():
        time.sleep(0.05)
    return folder / "data"


@contextmanager
def started_again(data: Path) -> Iterator[None]:
    command = shlex.split((data / "postmaster.opts").read_text())
    user = "nobody" if os.geteuid() == 0 else None
    with (data.parent / "log").open("ab") as log:
        server = subprocess.Popen(command, user=user, cwd=data.parent, stdout=log, stderr=log)
    ready = [str(Path(command[0]).with_name("pg_isready")), "-q", "-h", str(data.parent)]
    try:
        while subprocess.run(ready, check=False).returncode:
            time.sleep(0.05)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
