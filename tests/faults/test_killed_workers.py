"""Workers killed outright while an issue goes out, and what the ledger says against what the provider saw."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.installation import ROOT, Installation, installed
from tests.fakes.client import Fake

READERS = 1500
BATCH = 50
KILLS = 2
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10_000)
SLUG, ISSUE = "morning-courant", "the-tide-keeps-its-own-clock"
WORKER = (
    "celery --quiet -A config worker --concurrency 2 --loglevel warning --without-gossip --without-mingle"
)
# What a dead worker held is free when its lease is over; nobody waits for that here. Only while no worker lives.
LEASES_ARE_OVER = """
from datetime import timedelta
from django.db.models.functions import Now
from delivery.models import Batch
Batch.objects.live().update(lease_until=Now() - timedelta(seconds=1))
"""


@pytest.mark.parametrize("provider", ["mailgun", "smtp"])
def test_nobody_is_missed_or_doubled_however_often_workers_are_killed(provider: str) -> None:
    print(f"FAULT_SEED={SEED}")
    chance = random.Random(SEED)
    with Fake(provider, keep="none") as fake, running(fake) as courant:
        fake.faults(latency=0.1 if provider == "mailgun" else 0.002)
        courant.manage("send_issue", SLUG, ISSUE)
        for _ in range(KILLS):
            with worker(courant) as process:
                wait_for(courant, fake, at_least=fake.seen()["mails"] + 1)
                time.sleep(chance.uniform(0.0, 0.4))
                os.killpg(process.pid, signal.SIGKILL)
            courant.manage("shell", "--no-imports", "-c", LEASES_ARE_OVER)
        with worker(courant):
            status = wait_for(courant, fake, state="sent")

    accounted(status, fake)


@contextmanager
def running(fake: Fake) -> Iterator[Installation]:
    url = f"{fake.mailer_url}{'&' if '?' in fake.mailer_url else '?'}batch_size={BATCH}"
    with installed(mailer_url=url, on_servers=bool(os.environ.get("REDIS_URL"))) as courant:
        courant.manage("seed_demo", "--subscribers", str(READERS))
        yield courant


@contextmanager
def worker(courant: Installation) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with its children, and beat, whose sweep finds what the dead ones left."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", *command.split()],
            cwd=ROOT,
            env=courant.environment,
            start_new_session=True,
        )
        for command in (WORKER, "celery --quiet -A config beat --pidfile= --loglevel warning")
    ]
    try:
        yield started[0]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(60)


def wait_for(courant: Installation, fake: Fake, *, at_least: int = 0, state: str = "") -> dict[str, object]:
    deadline = time.monotonic() + 120
    status: dict[str, object] = {}
    while time.monotonic() < deadline:
        if at_least and fake.seen()["mails"] >= min(at_least, READERS):
            return status
        if state:
            status = json.loads(courant.manage("dispatch_status", "--json"))[0]
            if status["state"] == state:
                return status | {"seen": fake.seen()}
        time.sleep(0.05)
    raise AssertionError(f"Nothing happened for two minutes: {status} {fake.seen()}")


def accounted(status: dict[str, object], fake: Fake) -> None:
    seen = status["seen"]
    assert isinstance(seen, dict)
    figures = {
        name: status[name] for name in ("pending", "in_flight", "accepted", "failed", "skipped", "uncertain")
    }
    assert seen["duplicates"] == 0
    assert sum(figures.values()) == status["audience"] == READERS
    assert (figures["pending"], figures["in_flight"], figures["failed"], figures["skipped"]) == (0, 0, 0, 0)
    # Who is accepted has it; who has it and is not accepted is uncertain; nobody is anywhere else.
    assert figures["accepted"] <= seen["recipients"] <= figures["accepted"] + figures["uncertain"]
    assert figures["uncertain"] <= KILLS * 2 * BATCH
