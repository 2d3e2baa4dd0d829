"""No worker runs, and Redis takes connections without ever saying a word. With real processes and a real socket."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection

from config import watch
from tests.config.test_broker_outage import ROOT, environment, running, wait

BEAT = "celery --quiet -A config beat --pidfile= --loglevel info"
# One dispatch that nobody takes up, one that waits for its end only, three issues that are due, one owner.
SEED = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone
from delivery import preparation
from delivery.models import Batch, Dispatch
from newsletter.models import Issue
from tests import factories
from tests.delivery.engine import prepared

daily = factories.newsletter()
daily.owners.add(User.objects.create_user("ada", "ada@daily.example", is_staff=True))
prepared(factories.issue(daily))
Dispatch.objects.update(state_since=Now() - timedelta(hours=1))
weekly = factories.newsletter("weekly")
factories.cast(weekly)
ended = preparation.start(factories.issue(weekly))
preparation.prepare(ended.pk)
Batch.objects.filter(dispatch=ended).update(state="done")
for number in range(3):
    factories.scheduled(factories.issue(weekly, f"due-{number}"), at=timezone.now() - timedelta(minutes=1))
"""
WORK = """
import json, time
from django.test import Client
from delivery import tasks
from delivery.models import Dispatch

def timed(step):
    began = time.monotonic()
    found = step()
    return found, time.monotonic() - began

_, starting = timed(tasks.start_due)
_, sweeping = timed(tasks.sweep)
answer, asking = timed(lambda: Client().get("/readyz", SERVER_NAME="localhost"))
print(json.dumps({
    "took": [starting, sweeping, asking],
    "states": list(Dispatch.objects.order_by("pk").values_list("state", flat=True)),
    "ready": [answer.status_code, answer.json()["broker"], [each["kind"] for each in answer.json()["sending"]]],
}))
"""


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Its environment."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as redis:
        found = environment(tmp_path, redis.getsockname()[1]) | {"MAILER_URL": "outbox://"}
        manage(found, "migrate", "--verbosity", "0")
        shell(found, SEED)
        yield found


def manage(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done


def shell(environment: dict[str, str], code: str) -> subprocess.CompletedProcess[str]:
    return manage(environment, "shell", "--no-imports", "-c", code)


def mails(folder: Path) -> list[tuple[str, str]]:
    if not (folder / "outbox.sqlite3").exists():
        return []
    with closing(sqlite3.connect(folder / "outbox.sqlite3")) as outbox:
        return outbox.execute("SELECT recipient, subject FROM mail").fetchall()


def test_tasks_do_their_part_in_the_database_and_ask_a_silent_broker_once(
    installation: dict[str, str],
) -> None:
    done = shell(installation, WORK)

    found: dict[str, Any] = json.loads(done.stdout)
    assert found["states"] == ["sending", "sent", "preparing", "preparing", "preparing"]
    assert found["ready"] == [200, "unreachable", ["stalled"]]
    assert [seconds < 4 for seconds in found["took"]] == [True] * 3, found["took"]
    assert done.stderr.count("The broker cannot be reached; the sweep will see to dispatch") == 2


@pytest.mark.django_db(transaction=True)
def test_watch_survives_whatever_it_meets(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(*args: object) -> None:
        raise DatabaseError("the database is away")

    with connection.execute_wrapper(refuse):
        watch.look()
    watch.look()

    assert [line.message for line in caplog.records if line.name == "config.watch"] == [
        "The watch could not look: the database is away"
    ]


def test_beat_alone_tells_the_owner_once(installation: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "beat.log"

    with running([sys.executable, "-m", *BEAT.split()], log, installation) as beat:
        wait(lambda: "Alarm: daily/tides: Nothing has gone out since" in log.read_text(), log)
        wait(lambda: bool(mails(tmp_path)), log)

        assert beat.poll() is None
    assert mails(tmp_path) == [
        ("ada@daily.example", "The Daily: “The tide keeps its own clock” stands still")
    ]
