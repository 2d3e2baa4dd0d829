"""A database that went back in time, or to another place, sends nothing until a person has looked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from delivery import control, epoch, preparation, recording, submission, tasks, watermark
from delivery.models import Attempt, Dispatch, Installation
from newsletter.models import Issue
from tests import factories
from tests.delivery.backups import Backup
from tests.delivery.conftest import lose_marks
from tests.delivery.engine import READERS, one_at_a_time, only, prepared, send, states
from tests.fakes.client import Fake

HOST = "testserver"


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def backup(
    transactional_db: None, draft: Issue, mailgun: Fake, settings: Any, tmp_path: Path
) -> Iterator[Backup]:
    """Taken after the first ten readers; then the other twenty got it, too."""
    one_at_a_time(settings)
    dispatch = prepared(draft)
    mailgun.faults(throttle_every=2, retry_after=60)
    assert send(dispatch).accepted == 10
    taken = Backup(tmp_path)
    mailgun.faults()
    assert send(dispatch).accepted == READERS
    yield taken
    taken.forget()


def test_restored_backup_sends_nothing_and_says_why(backup: Backup, mailgun: Fake, caplog) -> None:
    backup.restore()
    dispatch = Dispatch.objects.get()
    known, made = Attempt.objects.latest("pk").pk, Attempt.objects.count()

    tasks.sweep()
    tasks.start_due()
    tasks.send_batches(dispatch.pk)
    control.resume(dispatch.pk)  # somebody who has not read the banner
    balance = send(dispatch, rounds=2)

    assert (mailgun.seen()["mails"], Attempt.objects.count()) == (READERS, made)
    assert states(balance) == only(accepted=10, pending=20)
    assert dispatch.state == "paused"
    assert dispatch.reason.startswith(
        "Sending is frozen. The database went back in time: its last hand-over is number"
    )
    assert dispatch.reason.endswith("Whoever still waits here may have the issue already.")
    assert f"number {known}, and number {known + 2} was made" in epoch.frozen()
    frozen = [record for record in caplog.records if record.name == "delivery.epoch"]
    assert [(record.levelname, record.getMessage()) for record in frozen] == [
        ("ERROR", f"Sending is frozen: {epoch.frozen()}")
    ]


def test_restored_backup_is_caught_by_each_place_alone(
    backup: Backup, mailgun: Fake, settings, tmp_path
) -> None:
    places = watermark.places()
    marks = {place.name: place.read() for place in places}
    backup.restore()

    caught = {}
    for place in places:
        lose_marks(tmp_path, settings.REDIS_URL)
        mark = marks[place.name]
        assert mark is not None
        place.write(mark)
        Installation.objects.update(frozen_since=None, frozen_reason="")
        caught[place.name] = (epoch.may_send(), epoch.frozen().endswith(f"So says {place.name}."))

    assert caught == {place.name: (False, True) for place in places}
    assert len(places) == (2 if settings.REDIS_URL else 1)


def test_accepted_backup_waits_for_a_person_and_then_goes_on(backup: Backup, mailgun: Fake, capsys) -> None:
    backup.restore()
    dispatch = Dispatch.objects.get()

    call_command("epoch")
    with pytest.raises(CommandError, match=r"SITE_URL's host is testserver\. Nothing was changed\."):
        call_command("epoch", accept="elsewhere.example")
    before = epoch.frozen()
    call_command("epoch", accept=HOST)
    waiting = send(dispatch)
    control.resume(dispatch.pk)
    balance = send(dispatch)

    said = capsys.readouterr().out
    assert f"Open: dispatch {dispatch.pk}, daily/tides: 20 of 30 readers wait." in said
    assert f"Dispatch {dispatch.pk} is paused, until somebody goes on with it or stops it." in said
    assert (bool(before), epoch.frozen()) == (True, "")
    assert (states(waiting), states(balance)) == (only(accepted=10, pending=20), only(accepted=READERS))
    assert Installation.objects.get().epoch == 2
    assert mailgun.seen()["mails"] == READERS + 20  # as that person wanted it


def test_accepted_backup_may_be_stopped_at_once(backup: Backup, mailgun: Fake, capsys) -> None:
    backup.restore()

    call_command("epoch", accept=HOST, stop_open=True)

    dispatch = Dispatch.objects.get()
    balance = send(dispatch)
    assert states(balance) == only(accepted=10, skipped=20)
    assert (dispatch.state, mailgun.seen()["mails"]) == ("stopped", READERS)
    assert f"Dispatch {dispatch.pk} is stopped." in capsys.readouterr().out


def test_mark_of_an_earlier_epoch_on_another_host_freezes_nobody(backup: Backup, tmp_path: Path) -> None:
    elsewhere = watermark.MarkFile(tmp_path / "elsewhere")
    elsewhere.write(watermark.places()[0].read())
    backup.restore()
    call_command("epoch", accept=HOST)

    (tmp_path / "elsewhere").replace(tmp_path / watermark.FILE)  # that host's worker looks now

    assert (epoch.may_send(), epoch.frozen()) == (True, "")
    assert watermark.places()[0].read().epoch == 2


def test_backup_from_before_it_was_accepted_is_frozen_too(backup: Backup, tmp_path: Path) -> None:
    backup.restore()
    call_command("epoch", accept=HOST)
    backup.restore()

    assert not epoch.may_send()
    assert epoch.frozen().startswith("The database is from epoch 1, and epoch 2 had begun.")


def test_schedule_of_a_restored_backup_does_not_fire_not_even_when_accepted(
    transactional_db: None, draft: Issue, mailgun: Fake, tmp_path: Path
) -> None:
    factories.readers(draft.newsletter, READERS)
    factories.scheduled(draft, at=timezone.now() - timedelta(minutes=1))
    tasks.sweep()
    backup = Backup(tmp_path)
    tasks.start_due()
    preparation.prepare(Dispatch.objects.get().pk)
    send(Dispatch.objects.get())
    backup.restore()

    tasks.start_due()
    while_frozen = Dispatch.objects.count()
    call_command("epoch", accept=HOST)
    tasks.start_due()

    draft.refresh_from_db()
    assert (while_frozen, Dispatch.objects.count(), draft.status) == (0, 0, "draft")
    assert mailgun.seen()["mails"] == READERS
    backup.forget()


def test_dispatch_in_preparation_is_prepared_and_paused_when_accepted(draft: Issue, mailgun: Fake) -> None:
    factories.readers(draft.newsletter, READERS)
    dispatch = preparation.start(draft)

    call_command("epoch", freeze=True)
    call_command("epoch", accept=HOST)
    tasks.prepare_dispatch(dispatch.pk)

    assert states(send(dispatch)) == only(pending=READERS)
    assert (dispatch.state, mailgun.seen()["mails"]) == ("paused", 0)


def test_standby_that_lacks_the_last_hand_overs_is_noticed_within_the_wake_up(
    transactional_db: None, draft: Issue, mailgun: Fake, tmp_path: Path, monkeypatch
) -> None:
    tasks.sweep()
    dispatch = prepared(draft)
    backup = Backup(tmp_path)
    record, answers = recording.record, []

    def the_primary_dies(*args: Any, **kwargs: Any) -> None:
        answers.append(args)
        if len(answers) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        record(*args, **kwargs)

    monkeypatch.setattr(recording, "record", the_primary_dies)
    monkeypatch.setattr(submission, "close_old_connections", backup.restore)  # and the standby takes over

    send(dispatch, rounds=2)

    assert mailgun.seen()["mails"] == 10
    assert epoch.frozen().startswith("The database went back in time")
    backup.forget()


def test_backup_from_before_the_first_look_is_frozen_too(
    transactional_db: None, draft: Issue, mailgun: Fake, tmp_path: Path
) -> None:
    dispatch = prepared(draft)
    backup = Backup(tmp_path)
    send(dispatch)
    backup.restore()

    send(dispatch)

    assert mailgun.seen()["mails"] == READERS
    assert epoch.frozen().startswith(
        "The last to send from here was another installation than this database's."
    )
    backup.forget()


def test_every_page_of_the_desk_says_that_sending_is_frozen(db: None) -> None:
    User.objects.create_superuser("editor", password="courant")
    browser = Client()
    browser.login(username="editor", password="courant")
    call_command("epoch", freeze=True)

    pages = [browser.get("/admin/").text, browser.get("/admin/delivery/dispatch/").text]

    assert ["Sending is frozen." in page and f"--accept {HOST}" in page for page in pages] == [True, True]
    assert "Sending is frozen." not in Client().get("/admin/login/").text


def test_installation_that_is_well_has_nothing_to_accept(draft: Issue, mailgun: Fake, capsys) -> None:
    tasks.sweep()

    call_command("epoch", accept=HOST)

    assert capsys.readouterr().out == "Sending is not frozen. Nothing was changed.\n"
    assert Installation.objects.get().epoch == 1
