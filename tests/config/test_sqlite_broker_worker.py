"""A worker of Celery, and the file between it and those who wake it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging

import config.sqlite_broker  # noqa: F401 -- registers the embedded:// transport with kombu
from config.celery import app as courant
from tests.config.test_sqlite_broker import rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def worker_within() -> Iterator[None]:
    """For a worker in this process: it leaves the logs as they are, and our tasks are our own application's again."""

    def leave_as_it_is(**kwargs: Any) -> None:
        pass

    setup_logging.connect(leave_as_it_is)
    yield
    setup_logging.disconnect(leave_as_it_is)
    courant.set_default()
    courant.set_current()


def test_a_celery_worker_runs_tasks_through_the_file(tmp_path: Path, worker_within: None) -> None:
    path = tmp_path / "broker.sqlite3"
    app = Celery("embedded", broker=f"embedded://localhost/{path}", set_as_current=False, fixups=[])
    app.conf.update(task_acks_late=True, task_ignore_result=True, worker_enable_remote_control=False)
    done: list[int] = []
    finished = threading.Event()

    @app.task
    def job(number: int) -> None:
        done.append(number)
        if len(done) == 50:
            finished.set()

    for number in range(50):
        job.apply_async((number,), countdown=number % 2 * 0.2)  # the bell's second message waits as long
    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, shutdown_timeout=20):
        assert finished.wait(20)
    app.close()

    assert sorted(done) == list(range(50))
    assert rows(path) == 0
