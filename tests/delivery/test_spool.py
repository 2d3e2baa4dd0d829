"""Answers that came while the database was away: kept on the disk, recorded later, once."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now

from delivery import recording, recovery, spool, submission
from delivery.exceptions import AccountRefused, CallRefused, SendError, Transient
from delivery.messages import Receipt
from delivery.models import Attempt, Batch, Delivery, Dispatch
from tests.delivery.engine import READERS, only, prepared, send, states, written
from tests.fakes.client import Fake

OLD = 10_000  # seconds; longer than anybody takes over a file


@pytest.fixture(autouse=True)
def answers(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / spool.FOLDER


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "RECORD_AGAIN_AFTER", (0.01, 0.01))


@contextmanager
def database_away() -> Iterator[None]:
    """For the recording of answers alone, so that one process can hand over all there is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "record", _cannot_connect)
        patch.setattr(spool, "bring_in", lambda: None)
        patch.setattr(submission, "close_old_connections", lambda: None)
        yield


def _cannot_connect(*args: object, **kwargs: object) -> None:
    raise OperationalError("connection refused")


def handed_over(dispatch: Dispatch) -> None:
    """Everything, with every answer kept."""
    with database_away():
        for _ in range(READERS):
            submission.send_for(dispatch.pk, seconds=30)


def names(folder: Path, *, end: str = "") -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(end))


def test_answer_is_kept_for_its_owner_alone_and_the_wake_up_ends(
    by_mailgun: Dispatch, answers: Path, caplog
) -> None:
    with database_away():
        has_more = submission.send_for(by_mailgun.pk, seconds=30)

    [path] = answers.iterdir()
    attempt = Attempt.objects.get()
    assert not has_more
    assert path.name.startswith(f"{attempt.pk}-")
    assert (path.stat().st_mode & 0o777, answers.stat().st_mode & 0o777) == (0o600, 0o700)
    assert len(json.loads(path.read_bytes())["accepted"]) == 10
    assert f"its provider's answer is kept in {path} until it is back." in caplog.text


def test_kept_answers_are_recorded_and_nobody_is_uncertain(
    dispatch: Dispatch, provider: Fake, answers: Path
) -> None:
    handed_over(dispatch)
    kept = len(names(answers))

    balance = send(dispatch)

    assert kept == 3
    assert states(balance) == only(accepted=READERS)
    assert (names(answers), provider.seen()["duplicates"]) == ([], 0)
    assert list(Attempt.objects.values_list("outcome", "accepted")) == [("answered", 10)] * 3


def test_sweep_that_was_first_called_them_uncertain_and_the_kept_answer_knows_better(
    by_mailgun: Dispatch, mailgun: Fake, answers: Path
) -> None:
    handed_over(by_mailgun)
    with database_away():  # the sweep of another host
        Batch.objects.live().update(lease_until=Now() - timedelta(seconds=1))
        recovery.recover()
    doubtful = Delivery.objects.filter(state="uncertain").count()

    recovery.recover()

    assert doubtful == READERS
    assert states(send(by_mailgun)) == only(accepted=READERS)
    assert names(answers) == []


def test_who_was_put_off_or_refused_is_so_after_the_import(by_smtp: Dispatch, smtp_server: Fake) -> None:
    smtp_server.faults(refuse={"reader1@example.com": 550, "reader2@example.com": 450})
    handed_over(by_smtp)
    smtp_server.faults()

    balance = send(by_smtp, rounds=2)

    assert states(balance) == only(accepted=READERS - 1, failed=1)
    assert smtp_server.seen()["duplicates"] == 0


def test_database_that_another_holds_for_long_costs_nobody(
    transactional_db: None, draft: Any, mailgun: Fake, answers: Path
) -> None:
    mailgun.faults(latency=0.5)
    dispatch = prepared(draft)

    with short_waits(), ThreadPoolExecutor(1) as other:
        is_over = threading.Event()
        holding = other.submit(hold_the_database, is_over)
        submission.send_for(dispatch.pk, seconds=30)
        kept = names(answers)
        is_over.set()
        holding.result()

    assert len(kept) == 1
    assert states(send(dispatch)) == only(accepted=READERS)
    assert (names(answers), mailgun.seen()["duplicates"]) == ([], 0)


@contextmanager
def short_waits() -> Iterator[None]:
    """A locked database is away after a tenth of a second."""
    kept = connection.settings_dict["OPTIONS"]
    short = {"timeout": 0.1} if connection.vendor == "sqlite" else {"options": "-c lock_timeout=100"}
    connection.close()
    connection.settings_dict["OPTIONS"] = kept | short
    yield
    connection.close()
    connection.settings_dict["OPTIONS"] = kept


def hold_the_database(is_over: threading.Event) -> None:
    """As soon as the first hand-over is on its way."""
    try:
        while not Attempt.objects.exists():
            is_over.wait(0.01)
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("BEGIN EXCLUSIVE")
            else:
                cursor.execute("BEGIN")
                cursor.execute("LOCK TABLE delivery_batch, delivery_attempt, delivery_delivery")
            is_over.wait(20)
            cursor.execute("ROLLBACK")
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_workers_import_each_answer_once(draft: Any, mailgun: Fake, answers: Path, caplog) -> None:
    dispatch = prepared(draft)
    handed_over(dispatch)

    with ThreadPoolExecutor(4) as workers:
        for done in [workers.submit(bring_in) for _ in range(4)]:
            done.result()

    recorded = [line for line in caplog.messages if line.endswith("a kept answer is recorded now.")]
    assert len(recorded) == 3
    assert states(send(dispatch)) == only(accepted=READERS)
    assert names(answers) == []


def bring_in() -> None:
    try:
        spool.bring_in()
    finally:
        connection.close()


def test_answer_whose_taker_died_is_taken_again_after_a_while(by_mailgun: Dispatch, answers: Path) -> None:
    handed_over(by_mailgun)
    dead, fresh, begun = (answers / name for name in names(answers))
    dead, fresh = dead.rename(dead.with_suffix(".a.taken")), fresh.rename(fresh.with_suffix(".b.taken"))
    begun = begun.rename(begun.with_suffix(".part"))  # whole, but its writer died before it had its name
    for path in (dead, begun):
        os.utime(path, (path.stat().st_mtime - OLD,) * 2)

    spool.bring_in()

    assert names(answers) == [fresh.name]
    assert Delivery.objects.filter(state="accepted").count() == 20


@pytest.mark.parametrize("text", ["", "{", "[]", '{"attempt": 1}', "\xff"])
def test_half_a_file_is_set_aside_and_holds_up_no_other(
    by_mailgun: Dispatch, answers: Path, caplog, text: str
) -> None:
    handed_over(by_mailgun)
    (answers / "1-half.json").write_text(text, encoding="latin-1")

    assert states(send(by_mailgun)) == only(accepted=READERS)

    [aside] = names(answers)
    assert (aside.startswith("1-half."), aside.endswith(".damaged")) == (True, True)
    assert f"It is set aside as {answers / aside}." in caplog.text
    assert (answers / aside).read_text(encoding="latin-1") == text


def test_answer_to_another_hand_over_of_the_same_number_is_set_aside(
    by_mailgun: Dispatch, answers: Path, caplog
) -> None:
    handed_over(by_mailgun)
    Attempt.objects.update(fingerprint="of other mails")  # as in a restored database that went on

    spool.bring_in()

    assert len(names(answers, end=".damaged")) == len(names(answers)) == 3
    assert Delivery.objects.filter(state="in_flight").count() == READERS
    assert "this database knows no such hand-over" in caplog.text


def test_database_that_goes_away_again_leaves_the_answer_for_later(
    by_mailgun: Dispatch, answers: Path
) -> None:
    handed_over(by_mailgun)
    before = len(names(answers))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "record", _cannot_connect)
        with pytest.raises(OperationalError):
            spool.bring_in()

    assert len(names(answers, end=".json")) == before
    assert states(send(by_mailgun)) == only(accepted=READERS)


def test_answer_that_cannot_be_kept_is_in_the_log(by_mailgun: Dispatch, settings, caplog) -> None:
    settings.DATA_DIR = Path("/dev/null/data")

    with database_away():
        submission.send_for(by_mailgun.pk, seconds=30)

    [line] = [record.getMessage() for record in caplog.records if record.name == "delivery.spool"]
    assert "cannot be kept in /dev/null/data/answers (Not a directory)" in line
    assert len(json.loads(line.partition("It is: ")[2])["accepted"]) == 10


@pytest.mark.parametrize(
    "error",
    [
        None,
        Transient("later", retry_after=7.0),
        Transient("later"),
        CallRefused("no"),
        AccountRefused("who?"),
    ],
)
def test_answer_comes_back_as_it_was(by_mailgun: Dispatch, error: SendError | None) -> None:
    attempt = written(by_mailgun)
    receipt = Receipt({1: "<id@x>"}, {2: "550 no"}, {3: "451 later"}, {4: "silence"}, error)

    text = json.dumps(spool._written(attempt.batch, attempt, receipt, leaves_some=False))
    back = spool._receipt(json.loads(text))

    assert (back.accepted, back.refused, back.deferred, back.uncertain) == (
        receipt.accepted,
        receipt.refused,
        receipt.deferred,
        receipt.uncertain,
    )
    assert type(back.stopped_by) is type(error)
    assert (str(back.stopped_by), vars(back.stopped_by or object)) == (str(error), vars(error or object))
