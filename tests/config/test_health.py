from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.test import Client

from delivery.models import Alarm, Batch, Dispatch
from newsletter.models import Issue
from tests.delivery.engine import prepared, written

BEGAN = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
FINE = {"database": "ok", "sending": "ok", "broker": "ok"}


@pytest.fixture(autouse=True)
def look_anew() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def ready(client: Client) -> tuple[int, Any]:
    cache.clear()
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def trouble(kind: str, since: datetime = BEGAN) -> dict[str, str]:
    return {"kind": kind, "newsletter": "daily", "since": since.isoformat()}


@pytest.fixture
def dispatch(draft: Issue) -> Dispatch:
    found = prepared(draft)
    Dispatch.objects.update(state_since=BEGAN)
    return found


def test_all_is_well(client: Client, db: None) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, FINE)
    assert "no-store" in answer["Cache-Control"]


def test_standstill_is_seen_and_takes_no_web_process_away(client: Client, dispatch: Dispatch) -> None:
    assert ready(client) == (200, FINE | {"sending": [trouble("stalled")]})


def test_pause_of_its_own_is_seen_without_its_words(client: Client, dispatch: Dispatch) -> None:
    Dispatch.objects.update(state="paused", reason="550 <ada@example.com>")

    assert ready(client) == (200, FINE | {"sending": [trouble("paused")]})


def test_uncertain_readers_are_seen(client: Client, dispatch: Dispatch) -> None:
    attempt = written(dispatch)
    attempt.deliveries.update(state="uncertain", reason="no_answer", settled_at=BEGAN)
    Batch.objects.update(state=Batch.State.DONE)
    Dispatch.objects.update(state="sent", finished_at=Now())

    assert ready(client) == (200, FINE | {"sending": [trouble("uncertain")]})


def test_issue_that_does_not_start_and_one_that_was_missed_are_seen(client: Client, draft: Issue) -> None:
    Issue.objects.update(status="scheduled", scheduled_at=BEGAN)
    late = ready(client)
    Issue.objects.update(status="draft", scheduled_at=None)
    Alarm.objects.create(kind="missed", issue=draft, text="…", since=BEGAN)

    assert late == (200, FINE | {"sending": [trouble("not_started")]})
    assert ready(client) == (200, FINE | {"sending": [trouble("missed")]})


def test_broker_that_is_away_is_said_and_no_more(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:  # bound, and does not listen: whoever connects is refused
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("CELERY_BROKER_WRITE_URL", f"redis://127.0.0.1:{taken.getsockname()[1]}/0")

        assert ready(client) == (200, FINE | {"broker": "unreachable"})


def test_database_that_is_away_makes_it_unready(client: Client, db: None) -> None:
    def refuse(*args: object) -> None:
        raise DatabaseError("gone")

    with connection.execute_wrapper(refuse):
        assert ready(client) == (503, {"database": "unreachable"})


def test_many_who_ask_at_once_cost_one_look(
    client: Client, dispatch: Dispatch, django_assert_num_queries
) -> None:
    cache.clear()
    client.get("/readyz")

    with django_assert_num_queries(3):  # each asks only whether the database is there
        answers = [client.get("/readyz").json() for _ in range(3)]

    assert answers == [FINE | {"sending": [trouble("stalled")]}] * 3


def test_web_process_is_alive_without_a_database(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.text) == (200, "ok\n")
