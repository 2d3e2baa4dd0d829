"""A provider that knows calls by their keys is asked again until nobody is in doubt."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from delivery import circuit, control, recording, recovery, submission
from delivery.messages import Receipt
from delivery.models import Attempt, Batch, Delivery, Dispatch, MailerState
from newsletter.models import Issue
from subscribers import lifecycle
from subscribers.models import Subscription
from tests.delivery.conftest import send_through
from tests.delivery.engine import READERS, die_while_speaking, only, prepared, send, states, written
from tests.fakes.client import Fake


def exactly_once(fake: Fake) -> tuple[int, int, int]:
    seen = fake.seen()
    return seen["mails"], seen["recipients"], seen["duplicates"]


@pytest.mark.parametrize("fault", ["drop", "error_after", "html", "garbled", "cut", "error"])
def test_no_doubt_is_left_whatever_became_of_the_answer(
    by_resend: Dispatch, resend: Fake, fault: str
) -> None:
    resend.faults(**{f"{fault}_every": 2, "times": 3, "error_status": 500 if fault == "error" else 0})

    first = send(by_resend)
    balance = send(by_resend, rounds=6)

    assert first.uncertain == 0
    assert first.in_flight > 0
    assert states(balance) == only(accepted=READERS)
    assert exactly_once(resend) == (READERS, READERS, 0)
    assert by_resend.state == Dispatch.State.SENT
    assert not Attempt.objects.filter(recipients__isnull=False).exists()
    assert not Delivery.objects.filter(provider_id="").exists()


def test_worker_that_died_while_speaking_leaves_no_doubt(by_resend: Dispatch, resend: Fake) -> None:
    batch = died(by_resend)

    recovery.recover()
    balance = send(by_resend)

    assert states(balance) == only(accepted=READERS)
    assert exactly_once(resend) == (READERS, READERS, 0)
    attempt = Attempt.objects.get(batch=batch)
    assert (attempt.outcome, attempt.repeats, attempt.accepted) == ("answered", 1, 10)


def test_worker_that_wakes_late_and_said_nothing_spoils_no_doubt(by_resend: Dispatch, resend: Fake) -> None:
    attempt = written(by_resend, with_key=True)
    Batch.objects.update(lease_until=Now() - timedelta(seconds=1))
    recovery.recover()

    recording.record(attempt.batch, attempt, Receipt())

    assert states(send(by_resend)) == only(accepted=READERS)
    assert exactly_once(resend) == (READERS, READERS, 0)
    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.repeats, attempt.accepted) == ("answered", 1, 10)


def died(dispatch: Dispatch) -> Batch:
    return die_while_speaking(dispatch, with_key=True)


def test_who_left_after_the_first_call_is_in_the_second_as_in_the_first(
    by_resend: Dispatch, resend: Fake
) -> None:
    batch = died(by_resend)
    leaving = Delivery.objects.filter(batch=batch).first()
    address = leaving.subscription.subscriber.email
    lifecycle.unsubscribe(leaving.subscription)
    Subscription.objects.get(
        pk=Delivery.objects.filter(batch=batch).last().subscription_id
    ).subscriber.delete()

    recovery.recover()
    balance = send(by_resend)

    assert states(balance) == only(accepted=READERS)
    assert resend.counts()[address] == 1  # the call was built before they left


def test_key_that_may_be_forgotten_is_not_used_again(by_resend: Dispatch, resend: Fake) -> None:
    died(by_resend)
    Attempt.objects.update(started_at=Now() - timedelta(hours=23))

    recovery.recover()
    balance = send(by_resend)

    assert states(balance) == only(accepted=READERS - 10, uncertain=10)
    assert exactly_once(resend) == (READERS - 10, READERS - 10, 0)


def test_key_that_grew_old_while_the_mailer_was_away_is_given_up(by_resend: Dispatch, resend: Fake) -> None:
    resend.faults(drop_every=1, times=1)
    send(by_resend)
    control.pause(by_resend.pk)
    Batch.objects.exclude(pinned_to="").update(state="ready")
    Attempt.objects.filter(recipients__isnull=False).update(started_at=Now() - timedelta(hours=23))

    recovery.recover()
    balance = send(by_resend)

    assert states(balance) == only(accepted=READERS - 10, uncertain=10)
    assert not Attempt.objects.filter(recipients__isnull=False).exists()


def test_other_bytes_are_never_sent_under_the_same_key(by_resend: Dispatch, resend: Fake) -> None:
    died(by_resend)
    Dispatch.objects.update(subject="Another version of Courant writes it differently")

    recovery.recover()
    balance = send(by_resend)

    assert balance.uncertain == 10
    assert resend.seen()["recipients"] == READERS - 10


@pytest.mark.parametrize("name", ["brevo", "resend"])
@pytest.mark.parametrize(("then", "now"), [("", "leave@in.example.org"), ("leave@in.example.org", "")])
def test_same_call_is_made_whatever_became_of_the_unsubscribe_address(
    draft: Issue, settings: Any, name: str, then: str, now: str
) -> None:
    with Fake(name, keep="all") as provider:
        send_through(provider, settings, per_second=100_000)
        settings.UNSUBSCRIBE_ADDRESS = then
        dispatch = prepared(draft)
        died(dispatch)
        settings.UNSUBSCRIBE_ADDRESS = now

        recovery.recover()
        balance = send(dispatch)

        assert states(balance) == only(accepted=READERS)
        assert provider.seen()["duplicates"] == 0
    assert sorted(Attempt.objects.values_list("repeats", flat=True)) == [0, 0, 1]


def test_stopped_dispatch_does_not_ask_again(by_resend: Dispatch, resend: Fake) -> None:
    died(by_resend)
    recovery.recover()

    control.stop(by_resend.pk)
    balance = send(by_resend)

    assert states(balance) == only(uncertain=10, skipped=READERS - 10)
    assert exactly_once(resend) == (0, 0, 0)


def test_doubt_of_the_second_mailer_is_cleared_while_the_first_works(
    draft: Issue, mailgun: Fake, resend: Fake, settings
) -> None:
    send_through(mailgun, settings)
    usual, bulk = settings.HAND_OVER["bulk"], settings.MAILERS["bulk"]
    send_through(resend, settings, per_second=100_000)
    settings.HAND_OVER = {"bulk": usual, "fallback": settings.HAND_OVER["bulk"]}
    settings.MAILERS = {**settings.MAILERS, "bulk": bulk, "fallback": settings.MAILERS["bulk"]}
    dispatch = prepared(draft)
    circuit.give_way(dispatch.pk, "bulk", reason="401")
    resend.faults(drop_every=1, times=1)
    send(dispatch)
    circuit.close("bulk")

    balance = send(dispatch, rounds=3)

    assert states(balance) == only(accepted=READERS)
    assert mailgun.seen()["duplicates"] + resend.seen()["duplicates"] == 0


def test_worker_that_can_do_nothing_now_does_not_spin(by_resend: Dispatch, monkeypatch) -> None:
    monkeypatch.setattr(submission, "PATIENCE", 5.0)
    die_while_speaking(by_resend, with_key=True)
    recovery.recover()
    Batch.objects.filter(pinned_to="").update(state="done")
    Batch.objects.exclude(pinned_to="").update(pinned_to="gone")  # a mailer that the settings name no more
    before = time.process_time()

    left = submission.send_for(by_resend.pk, seconds=1.0)

    assert (left, time.process_time() - before < 0.5) == (False, True)


def test_doubt_is_not_asked_about_while_its_mailer_wants_to_be_left_alone(
    by_resend: Dispatch, resend: Fake
) -> None:
    died(by_resend)
    recovery.recover()
    MailerState.objects.create(alias="bulk", not_before=Now() + timedelta(minutes=1))

    submission.send_for(by_resend.pk, seconds=1.0)

    assert resend.seen()["calls"] == 0
