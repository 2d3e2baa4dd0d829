"""What becomes of readers, batches and the whole after a provider's answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db.models.functions import Now

from delivery import conclusions, control, recording, submission
from delivery.exceptions import Transient
from delivery.gateway import smtp, wire
from delivery.links import unsubscribe_urls
from delivery.messages import Receipt
from delivery.models import Attempt, Batch, Delivery, Dispatch, MailerState
from newsletter.models import Issue
from subscribers.models import Subscription
from tests.delivery.engine import (
    READERS,
    only,
    prepared,
    send,
    states,
    written,
)
from tests.fakes.client import Fake


def test_no_answer_after_the_provider_took_it_is_uncertain_and_never_repeated(
    dispatch: Dispatch, provider: Fake
) -> None:
    provider.faults(drop_every=2, times=1)

    balance = send(dispatch, rounds=3)

    doubtful = 10 if provider.name == "mailgun" else 1
    assert states(balance) == only(accepted=READERS - doubtful, uncertain=doubtful)
    seen = provider.seen()
    assert (seen["recipients"], seen["duplicates"]) == (READERS, 0)
    assert dispatch.state == Dispatch.State.SENT
    assert Attempt.objects.filter(outcome="uncertain").count() == 1
    assert Delivery.objects.filter(state="uncertain").exclude(detail="").count() == doubtful


def test_throttling_delays_and_loses_nobody(dispatch: Dispatch, provider: Fake) -> None:
    provider.faults(throttle_every=2, retry_after=7, times=1)

    first = send(dispatch)
    balance = send(dispatch, rounds=3)

    assert first.accepted < READERS
    assert states(balance) == only(accepted=READERS)
    assert provider.seen()["duplicates"] == 0


def test_throttled_provider_is_left_alone_by_all_until_it_said(by_mailgun: Dispatch, mailgun: Fake) -> None:
    mailgun.faults(throttle_every=1, retry_after=60)
    submission.send_for(by_mailgun.pk, seconds=30)

    assert submission.send_for(by_mailgun.pk, seconds=30) is False

    assert mailgun.seen()["calls"] == 1
    assert MailerState.objects.filter(not_before__gt=Now() + timedelta(seconds=50)).count() == 1


def test_one_bad_address_fails_alone(dispatch: Dispatch, provider: Fake) -> None:
    provider.faults(refuse={"reader7@example.com": 400 if provider.name == "mailgun" else 550})

    balance = send(dispatch, rounds=8)

    assert states(balance) == only(accepted=READERS - 1, failed=1)
    failed = Delivery.objects.get(state="failed")
    assert failed.subscription.subscriber.email == "reader7@example.com"
    assert (failed.reason, bool(failed.detail)) == ("refused", True)
    assert (provider.seen()["recipients"], provider.seen()["duplicates"]) == (READERS - 1, 0)


def test_refused_key_pauses_and_says_why_and_resuming_finishes(
    by_mailgun: Dispatch, mailgun: Fake, settings
) -> None:
    good = settings.MAILERS
    settings.MAILERS = {
        **good,
        "bulk": {**good["bulk"], "OPTIONS": {**good["bulk"]["OPTIONS"], "api_key": "wrong"}},
    }

    balance = send(by_mailgun)

    assert states(balance) == only(pending=READERS)
    assert (by_mailgun.state, "401" in by_mailgun.reason) == (Dispatch.State.PAUSED, True)
    settings.MAILERS = good
    assert [control.resume(by_mailgun.pk), control.resume(by_mailgun.pk)] == [True, False]
    assert states(send(by_mailgun)) == only(accepted=READERS)


def test_provider_that_never_answers_is_not_asked_for_ever(draft: Issue, mailgun: Fake, settings) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun", "batch_size": 3}}
    dispatch = prepared(draft)
    mailgun.faults(error_every=1, error_status=500)

    balance = send(dispatch, rounds=3)

    assert states(balance) == only(uncertain=15, pending=READERS - 15)
    assert (dispatch.state, mailgun.seen()["calls"]) == (Dispatch.State.PAUSED, 5)
    assert "no clear answer" in dispatch.reason


def test_provider_that_refuses_everybody_is_asked_about_few(by_mailgun: Dispatch, mailgun: Fake) -> None:
    mailgun.faults(error_every=1, error_status=400)

    balance = send(by_mailgun, rounds=40)

    assert states(balance) == only(failed=10, pending=READERS - 10)
    assert by_mailgun.state == Dispatch.State.PAUSED
    assert "refused 10 readers in a row" in by_mailgun.reason


@pytest.mark.parametrize(
    ("options", "state"),
    [({"host": "127.0.0.1", "port": 1}, Dispatch.State.SENDING), ({"no_such": 1}, Dispatch.State.PAUSED)],
)
@pytest.mark.parametrize("scheme", ["smtp", "single"])
def test_server_that_was_never_reached_makes_nobody_uncertain(
    by_smtp: Dispatch, settings, options: dict[str, object], state: str, scheme: str
) -> None:
    smtp.close("bulk")
    settings.MAILERS = {**settings.MAILERS, "bulk": {**settings.MAILERS["bulk"], "OPTIONS": options}}
    settings.HAND_OVER = {"bulk": {"scheme": scheme, "batch_size": 10}}

    balance = send(by_smtp)

    assert states(balance) == only(pending=READERS)
    assert by_smtp.state == state


def test_quota_that_runs_out_midway_fails_few_and_pauses(draft: Issue, smtp_server: Fake, settings) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "smtp", "batch_size": 100}}
    dispatch = prepared(draft)
    in_order = Delivery.objects.order_by("pk").values_list("subscription__subscriber__email", flat=True)
    smtp_server.faults(refuse=dict.fromkeys(in_order[12:], 550))

    balance = send(dispatch)

    assert states(balance) == only(accepted=12, failed=10, pending=READERS - 22)
    assert dispatch.state == Dispatch.State.PAUSED
    smtp_server.faults()
    control.resume(dispatch.pk)
    assert states(send(dispatch)) == only(accepted=READERS - 10, failed=10)


def test_mailbox_that_says_not_now_holds_nobody_up(by_smtp: Dispatch, smtp_server: Fake) -> None:
    smtp_server.faults(refuse={"reader7@example.com": 450})

    first = send(by_smtp)
    balance = send(by_smtp, rounds=conclusions.MOST_TRIES + 1)

    assert states(first) == only(accepted=READERS - 1, pending=1)
    assert states(balance) == only(accepted=READERS - 1, failed=1)
    assert balance.failed_by_reason == {"put_off": 1}
    assert by_smtp.state == Dispatch.State.SENT


@pytest.mark.parametrize("moment", range(2, 40, 3))
def test_interrupted_conversation_gives_nobody_another_readers_mail(
    by_smtp: Dispatch, smtp_server: Fake, monkeypatch, moment: int
) -> None:
    heard = iter(range(1, 10_000))
    reply = wire.Line.reply

    def interrupted(line: wire.Line) -> wire.Reply:
        if next(heard) == moment:
            raise SoftTimeLimitExceeded
        return reply(line)

    monkeypatch.setattr(wire.Line, "reply", interrupted)

    balance = send(by_smtp, rounds=3)

    ways_out = smtp_server.links()
    links = unsubscribe_urls(by_smtp.pk)
    mine = {row.subscriber.email: links(row.pk) for row in Subscription.objects.select_related("subscriber")}
    assert ways_out == {address: mine[address] for address in ways_out}
    got = set(smtp_server.counts())
    accepted = Delivery.objects.filter(state="accepted").values_list(
        "subscription__subscriber__email", flat=True
    )
    assert set(accepted) <= got
    assert (smtp_server.seen()["duplicates"], balance.uncertain <= 1, balance.pending) == (0, True, 0)


@pytest.mark.parametrize("words", ["half of an emoji \ud83d", "a NUL \0 in it"])
def test_words_that_no_database_takes_are_recorded_as_far_as_they_go(
    by_mailgun: Dispatch, mailgun: Fake, words: str
) -> None:
    attempt = written(by_mailgun)
    first, second, *others = Delivery.objects.filter(batch=attempt.batch).order_by("pk")

    recording.record(
        attempt.batch,
        attempt,
        Receipt(refused={first.pk: words}, uncertain={second.pk: words}, stopped_by=Transient(words)),
    )

    first.refresh_from_db()
    assert (first.state, first.detail[:4]) == ("failed", words[:4])
    assert {each.pk for each in Delivery.objects.filter(batch=attempt.batch, state="pending")} == {
        each.pk for each in others
    }


def test_put_off_are_only_those_that_were(by_smtp: Dispatch, smtp_server: Fake) -> None:
    attempt = written(by_smtp)
    Batch.objects.filter(pk=attempt.batch_id).update(tries=conclusions.MOST_TRIES)
    attempt.batch.tries = conclusions.MOST_TRIES
    one = Delivery.objects.filter(batch=attempt.batch).first()

    recording.record(attempt.batch, attempt, Receipt(deferred={one.pk: "450 later"}))
    balance = send(by_smtp, rounds=2)

    assert states(balance) == only(accepted=READERS - 1, failed=1)


def test_answer_that_is_recorded_twice_stays_what_it_was(by_smtp: Dispatch) -> None:
    attempt = written(by_smtp)
    readers = list(Delivery.objects.filter(batch=attempt.batch).values_list("pk", flat=True))
    receipt = Receipt(
        accepted=dict.fromkeys(readers[:6], ""), deferred=dict.fromkeys(readers[6:], "450 later")
    )

    for _ in range(2):
        recording.record(attempt.batch, attempt, receipt)

    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.readers, attempt.accepted) == ("answered", 6, 6)


def test_refusals_that_jump_over_the_ten_still_ask_a_person(by_smtp: Dispatch) -> None:
    for _ in range(2):
        attempt = written(by_smtp)
        readers = Delivery.objects.filter(batch=attempt.batch).values_list("pk", flat=True)
        recording.record(attempt.batch, attempt, Receipt(refused=dict.fromkeys(readers[:7], "550 no")))

    by_smtp.refresh_from_db()
    assert (by_smtp.state, by_smtp.reason) == ("paused", "The provider refused 14 readers in a row: ")
