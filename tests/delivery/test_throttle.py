"""Rates and allowances, shared by all workers through the ledger."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db.models import Sum
from django.db.models.functions import Now
from django.utils import timezone

from delivery import recovery, submission, throttle
from delivery.models import Attempt, Batch, Dispatch, MailerState, SendingDomain
from delivery.progress import Balance
from newsletter.models import Issue
from tests import factories
from tests.delivery.conftest import send_through
from tests.delivery.engine import READERS, built, only, prepared, send, states, wait_no_longer
from tests.fakes.client import Fake


@pytest.mark.parametrize("window", ["per_hour", "per_day"])
def test_allowance_lets_exactly_so_many_go_and_says_why_the_others_wait(
    draft: Issue, mailgun: Fake, settings, window: str
) -> None:
    send_through(mailgun, settings, **{window: 17})
    dispatch = prepared(draft)

    balance = send(dispatch, rounds=3)

    assert states(balance) == only(accepted=17, pending=READERS - 17)
    assert (dispatch.state, mailgun.seen()["mails"]) == (Dispatch.State.SENDING, 17)
    assert "allowance of 17 readers" in dispatch.reason


def test_allowance_goes_on_where_it_stood_when_time_has_passed(draft: Issue, mailgun: Fake, settings) -> None:
    send_through(mailgun, settings, per_hour=17)
    dispatch = prepared(draft)
    submission.send_for(dispatch.pk, seconds=30)
    waiting = Dispatch.objects.annotate(now=Now()).get(pk=dispatch.pk)

    Attempt.objects.update(started_at=Now() - timedelta(minutes=61))
    balance = send(dispatch, rounds=2)

    assert waiting.now + timedelta(minutes=59) < waiting.not_before <= waiting.now + timedelta(minutes=60)
    assert states(balance) == only(accepted=READERS)
    assert (dispatch.state, dispatch.reason) == (Dispatch.State.SENT, "")
    assert mailgun.seen()["duplicates"] == 0


def test_readers_that_were_surely_not_taken_use_up_no_allowance(
    draft: Issue, mailgun: Fake, settings
) -> None:
    send_through(mailgun, settings, per_day=READERS)
    dispatch = prepared(draft)
    mailgun.faults(throttle_every=1, retry_after=1, times=3)

    balance = send(dispatch, rounds=5)

    assert states(balance) == only(accepted=READERS)
    assert Attempt.objects.aggregate(readers=Sum("readers"))["readers"] == READERS


def test_two_mailers_share_the_warm_up_of_a_domain(draft: Issue, mailgun: Fake, settings) -> None:
    SendingDomain.objects.create(domain="Daily.example", warm_up_from=date(2020, 1, 1))
    dispatch = prepared(draft)
    SendingDomain.objects.update(warm_up_from=timezone.now().date(), first_day=13)
    elsewhere = Attempt(batch=dispatch.batches.first(), fence=99, mailer="other", domain="daily.example")
    elsewhere.readers = 6
    elsewhere.save()

    balance = send(dispatch, rounds=3)

    assert states(balance) == only(accepted=7, pending=READERS - 7)
    assert "daily.example is being warmed up: 13 readers a day" in dispatch.reason


def test_warm_up_grows_from_day_to_day_and_ends() -> None:
    domain = SendingDomain(domain="daily.example", warm_up_from=date(2026, 11, 1), first_day=200)

    caps = [domain.cap(date(2026, 11, 1) + timedelta(days=days)) for days in (-1, 0, 1, 7, 41, 42)]

    assert caps == [200, 200, 236, 637, 177_089, None]


def test_booking_puts_hand_overs_one_behind_the_other(db, settings) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun", "per_second": 100}}

    waits = [throttle.book("bulk", readers=50) for _ in range(4)]

    assert waits[0] == pytest.approx(0.0, abs=0.01)
    assert [round(wait or 0.0, 1) for wait in waits[1:]] == pytest.approx([0.5, 1.0, 1.5], abs=0.2)
    MailerState.objects.update(free_at=Now() + timedelta(seconds=30))
    assert throttle.book("bulk", readers=50) is None
    MailerState.objects.update(free_at=Now() + timedelta(days=1))  # by a clock that was wrong
    assert throttle.book("bulk", readers=50) == pytest.approx(0.0, abs=0.1)


def test_so_many_a_second_means_batches_no_larger(draft: Issue, mailgun: Fake, settings) -> None:
    send_through(mailgun, settings, per_second=7)
    dispatch = prepared(draft)

    assert dispatch.batch_size == 7
    assert dispatch.batches.count() == 5


def test_without_limits_nothing_is_asked(mailgun: Fake, db, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert (throttle.book("bulk", readers=500), throttle.room("bulk", domain="")) == (0.0, None)


def test_provider_that_asked_to_wait_is_not_asked_before(by_mailgun: Dispatch, mailgun: Fake) -> None:
    mailgun.faults(throttle_every=1, retry_after=30, times=1)
    submission.send_for(by_mailgun.pk, seconds=5)
    Batch.objects.update(not_before=None)

    submission.send_for(by_mailgun.pk, seconds=5)
    calls = mailgun.seen()["calls"]
    balance = send_after_the_wait(by_mailgun)

    assert calls == 1
    assert states(balance) == only(accepted=READERS)


def send_after_the_wait(dispatch: Dispatch) -> Balance:
    wait_no_longer()
    return send(dispatch)


@pytest.mark.django_db(transaction=True)
def test_allowance_and_warm_up_are_kept_by_workers_outside_a_test(mailgun: Fake, settings) -> None:
    """Where each statement commits by itself, as in a worker."""
    send_through(mailgun, settings, per_hour=17)
    newsletter = factories.newsletter()
    SendingDomain.objects.create(domain="daily.example", warm_up_from=timezone.now().date(), first_day=23)
    dispatch = prepared(factories.issue(newsletter))

    hour = states(send(dispatch, rounds=3))
    settings.HAND_OVER = {"bulk": {**settings.HAND_OVER["bulk"], "per_hour": 1000}}
    day = states(send(dispatch, rounds=3))

    assert hour == only(accepted=17, pending=READERS - 17)
    assert day == only(accepted=23, pending=READERS - 23)


def test_part_of_a_batch_that_went_without_an_answer_leaves_the_others_waiting(
    draft: Issue, mailgun: Fake, settings
) -> None:
    send_through(mailgun, settings, per_hour=14)
    dispatch = prepared(draft)
    send(dispatch)  # ten, and four of the next ten
    Attempt.objects.update(started_at=Now() - timedelta(hours=2))
    settings.HAND_OVER = {"bulk": {**settings.HAND_OVER["bulk"], "per_hour": 3}}
    batch = die_in_part(dispatch)
    settings.HAND_OVER = {"bulk": {**settings.HAND_OVER["bulk"], "per_hour": 1000}}

    recovery.recover()
    balance = send(dispatch, rounds=2)

    assert states(balance) == only(accepted=READERS - 3, uncertain=3)
    assert batch.deliveries.filter(state="uncertain").count() == 3
    assert mailgun.seen()["duplicates"] == 0


def die_in_part(dispatch: Dispatch) -> Batch:
    """Three of a batch are written ahead, and the worker is gone."""
    attempt, recipients = built(dispatch)
    attempt.readers = 3
    assert submission._write_ahead(attempt, recipients[:3], is_part=True)
    Batch.objects.filter(pk=attempt.batch_id).update(lease_until=Now() - timedelta(seconds=1))
    return attempt.batch


def test_part_of_a_call_that_is_asked_again_leaves_the_others_waiting(
    draft: Issue, resend: Fake, settings
) -> None:
    send_through(resend, settings, per_second=100_000, per_hour=14)
    dispatch = prepared(draft)
    resend.faults(drop_every=2, times=1)

    send(dispatch, rounds=4)
    Attempt.objects.update(started_at=Now() - timedelta(hours=2))
    send(dispatch, rounds=2)
    Attempt.objects.update(started_at=Now() - timedelta(hours=2))
    balance = send(dispatch, rounds=3)

    assert states(balance) == only(accepted=READERS)
    assert resend.seen()["duplicates"] == 0
