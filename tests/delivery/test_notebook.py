"""A worker's notes, against what the server took: its death leaves one reader in doubt, whatever the batch's size."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from delivery import notebook, recovery
from delivery.gateway import smtp
from delivery.messages import Receipt
from delivery.models import Attempt, Batch, Delivery, Dispatch
from newsletter.models import Issue
from tests import factories
from tests.delivery.conftest import send_through
from tests.delivery.engine import READERS, only, prepared, send, states, written
from tests.fakes.client import Fake

pytestmark = pytest.mark.skipif(
    not notebook._boot(), reason="this system has no boot id, so no notes are kept"
)
# Sends until it has heard so many answers, and is killed outright before it can make anything of the last.
WORKER = """
import os, signal, sys
import django; django.setup()
from delivery import submission
from delivery.gateway.conversation import Conversation
settle, left = Conversation._settle, int(sys.argv[2])
def killed(*words):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    settle(*words)
Conversation._settle = killed
submission.send_for(int(sys.argv[1]), seconds=30)
"""


@pytest.fixture
def in_one_batch(smtp_server: Fake, settings: Any) -> Fake:
    send_through(smtp_server, settings, batch_size=100)
    return smtp_server


def pages(settings: Any) -> list[Path]:
    return sorted(Path(settings.DATA_DIR).glob("answers/*.page"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("taken", [1, 12, READERS])
def test_killed_worker_leaves_one_reader_in_doubt(in_one_batch: Fake, settings: Any, taken: int) -> None:
    dispatch = prepared(factories.issue(factories.newsletter()))
    name = connection.settings_dict["NAME"]
    database = (
        f"sqlite:///{name}"
        if connection.vendor == "sqlite"
        else os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
    )
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "MAILER_URL": in_one_batch.mailer_url,
        "DATABASE_URL": database,
    }
    killed = subprocess.run([sys.executable, "-c", WORKER, str(dispatch.pk), str(taken)], env=environment)

    recovery.recover()
    balance = send(dispatch)

    assert killed.returncode == -signal.SIGKILL
    assert states(balance) == only(accepted=READERS - 1, uncertain=1)
    seen = in_one_batch.seen()
    assert (seen["duplicates"], seen["recipients"]) == (0, READERS)
    assert pages(settings) == []
    assert Delivery.objects.get(state="uncertain").detail == notebook.LOST


def test_page_of_a_worker_that_lives_is_left_alone(by_smtp: Dispatch, settings: Any) -> None:
    attempt = written(by_smtp)
    page = notebook.begin(attempt)
    assert page

    notebook.bring_in()

    assert Batch.objects.get(pk=attempt.batch_id).state == Batch.State.SUBMITTING
    page.throw_away()
    assert pages(settings) == []


def test_page_from_before_the_machine_started_counts_for_nothing(by_smtp: Dispatch, settings: Any) -> None:
    attempt = written(by_smtp)
    die_with_a_page(attempt)
    [path] = pages(settings)
    path.write_text(path.read_text().replace(notebook._boot(), "another-start"))

    notebook.bring_in()

    assert Delivery.objects.filter(state="in_flight").count() == attempt.readers
    path.unlink()


def test_page_that_was_cut_off_counts_for_nothing(by_smtp: Dispatch, settings: Any) -> None:
    attempt = written(by_smtp)
    die_with_a_page(attempt)
    [path] = pages(settings)
    path.write_text(path.read_text()[:-2])

    notebook.bring_in()

    assert Delivery.objects.filter(state="in_flight").count() == attempt.readers
    assert pages(settings) == [path]
    path.unlink()


def test_notes_tell_what_became_of_each(by_smtp: Dispatch, settings: Any) -> None:
    attempt = written(by_smtp)
    die_with_a_page(attempt)

    notebook.bring_in()

    found = dict(Delivery.objects.filter(batch=attempt.batch).order_by("pk").values_list("pk", "state"))
    in_order = sorted(found)
    assert [found[pk] for pk in in_order] == ["accepted", "failed", "pending", "uncertain", *["pending"] * 6]
    assert Attempt.objects.get(pk=attempt.pk).readers == 3
    assert Batch.objects.get(pk=attempt.batch_id).state == Batch.State.READY


def die_with_a_page(attempt: Attempt) -> None:
    """Of ten readers one was taken, one refused and one put off; the fourth was on the wire."""
    readers = list(Delivery.objects.filter(batch=attempt.batch).order_by("pk").values_list("pk", flat=True))
    page = notebook.begin(attempt)
    assert page
    receipt = Receipt()
    for reader, known in zip(readers[:3], (receipt.accepted, receipt.refused, receipt.deferred), strict=True):
        page.telling(reader, receipt)
        known[reader] = "550 nobody here" if known is receipt.refused else "450 later"
    page.telling(readers[3], receipt)
    os.close(page._descriptor)


def test_full_disk_stops_the_notes_and_not_the_mails(
    draft: Issue, in_one_batch: Fake, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, fine = os.write, iter([True] * 5)

    def full(descriptor: int, data: bytes) -> int:
        if data.startswith((b"T ", b"A ")) and not next(fine, False):
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", full)

    balance = send(prepared(draft))

    assert states(balance) == only(accepted=READERS)
    assert pages(settings) == []
    smtp.close("bulk")
