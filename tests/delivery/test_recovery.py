"""What dead and frozen workers leave behind, and what the sweep makes of it."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from delivery import conclusions, control, progress, recording, recovery, submission
from delivery.messages import Receipt
from delivery.models import Batch, Delivery, Dispatch
from newsletter.models import Issue
from tests.delivery.engine import (
    READERS,
    built,
    die_while_speaking,
    only,
    prepared,
    send,
    states,
    written,
)
from tests.fakes.client import Fake


def test_worker_that_died_before_speaking_is_followed_by_another(dispatch: Dispatch, provider: Fake) -> None:
    Batch.objects.claim(dispatch.pk, mailer="bulk", lease=timedelta(seconds=-1), at_once=1)

    recovery.recover()
    balance = send(dispatch)

    assert states(balance) == only(accepted=READERS)
    assert provider.seen()["duplicates"] == 0


def test_worker_that_died_while_speaking_leaves_its_batch_uncertain(
    dispatch: Dispatch, provider: Fake
) -> None:
    batch = die_while_speaking(dispatch)

    recovery.recover()
    balance = send(dispatch)

    assert states(balance) == only(accepted=READERS - 10, uncertain=10)
    assert set(Delivery.objects.filter(batch=batch).values_list("reason", flat=True)) == {"worker_lost"}
    assert provider.seen()["recipients"] == READERS - 10


def test_zombie_that_wakes_after_its_lease_does_not_speak(dispatch: Dispatch, provider: Fake) -> None:
    attempt, recipients = built(dispatch)
    Batch.objects.filter(pk=attempt.batch_id).update(lease_until=Now() - timedelta(seconds=1))
    recovery.recover()
    send(dispatch)

    assert not submission._write_ahead(attempt, recipients, is_part=False)

    assert (provider.seen()["mails"], provider.seen()["duplicates"]) == (READERS, 0)


def test_batch_that_brings_workers_down_pauses_the_dispatch(by_smtp: Dispatch) -> None:
    for _ in range(recovery.MOST_CRASHES):
        Batch.objects.claim(by_smtp.pk, mailer="bulk", lease=timedelta(seconds=-1), at_once=1)
        recovery.recover()

    by_smtp.refresh_from_db()

    assert by_smtp.state == Dispatch.State.PAUSED
    assert by_smtp.reason == "Batch 1 brought 3 workers down."


def test_stop_settles_what_a_worker_still_hands_back(by_mailgun: Dispatch, mailgun: Fake) -> None:
    attempt = written(by_mailgun)
    control.stop(by_mailgun.pk)
    recording.record(attempt.batch, attempt, Receipt())

    recovery.recover()

    assert states(progress.balance(Dispatch.objects.get())) == only(skipped=READERS)
    assert not Batch.objects.open().exists()


def test_workers_that_keep_dying_in_the_middle_pause_the_dispatch(
    draft: Issue, mailgun: Fake, settings
) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun", "batch_size": 3}}
    dispatch = prepared(draft)
    for _ in range(conclusions.MOST_DOUBTS):
        die_while_speaking(dispatch)
        recovery.recover()

    dispatch.refresh_from_db()

    assert dispatch.state == Dispatch.State.PAUSED
