"""The ledger against what a provider, in a process of its own, says it took."""

from __future__ import annotations

import smtplib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connection
from django.db.models.functions import Now

from delivery import control, preparation, progress, recording, recovery, submission
from delivery.gateway import conversation, smtp
from delivery.links import unsubscribe_urls
from delivery.messages import Receipt
from delivery.models import Attempt, Batch, Delivery, Dispatch
from delivery.progress import Balance
from newsletter.models import Issue
from subscribers import lifecycle
from subscribers.models import Subscription, Suppression
from tests import factories
from tests.fakes.client import Fake

READERS = 30


@pytest.fixture
def dispatch(draft: Issue, provider: Fake) -> Dispatch:
    return prepared(draft)


@pytest.fixture
def by_mailgun(draft: Issue, mailgun: Fake) -> Dispatch:
    return prepared(draft)


@pytest.fixture
def by_smtp(draft: Issue, smtp_server: Fake) -> Dispatch:
    return prepared(draft)


def prepared(draft: Issue) -> Dispatch:
    factories.readers(draft.newsletter, READERS)
    dispatch = preparation.start(draft)
    preparation.prepare(dispatch.pk)
    dispatch.refresh_from_db()
    return dispatch


def send(dispatch: Dispatch, *, rounds: int = 1) -> Balance:
    """As the wake-ups do; between rounds, waits are over and so are leases."""
    for _ in range(rounds):
        submission.send_for(dispatch.pk, seconds=30)
        Batch.objects.update(not_before=None)
        Dispatch.objects.update(not_before=None)
    dispatch.refresh_from_db()
    balance = progress.balance(dispatch)
    assert balance.adds_up
    return balance


def only(**counts: int) -> dict[str, int]:
    return dict.fromkeys(("pending", "in_flight", "accepted", "failed", "skipped", "uncertain"), 0) | counts


def states(balance: Balance) -> dict[str, int]:
    return {name: getattr(balance, name) for name in only()}


def test_every_reader_gets_it_exactly_once_with_a_way_out_of_their_own(
    dispatch: Dispatch, provider: Fake
) -> None:
    balance = send(dispatch)

    seen = provider.seen()
    assert states(balance) == only(accepted=READERS)
    assert (seen["mails"], seen["recipients"], seen["duplicates"], seen["links"]) == (
        READERS,
        READERS,
        0,
        READERS,
    )
    assert dispatch.state == Dispatch.State.SENT
    assert send(dispatch) == balance
    assert provider.seen()["mails"] == READERS


def test_way_out_in_header_and_body_is_the_readers_own(dispatch: Dispatch, provider: Fake, client) -> None:
    send(dispatch)
    link = provider.links()["reader3@example.com"]

    message = str(provider.message("reader3@example.com"))

    assert message.replace("=\n", "").replace("=\\r\\n", "").count(link) >= 3  # header, HTML, text
    assert "List-Unsubscribe=One-Click" in message
    client.post(link.removeprefix("http://testserver"), {"List-Unsubscribe": "One-Click"})
    left = Subscription.objects.get(status="unsubscribed")
    assert left.subscriber.email == "reader3@example.com"


def test_who_leaves_after_the_freeze_is_skipped_with_the_reason(dispatch: Dispatch, provider: Fake) -> None:
    readers = list(Subscription.objects.order_by("pk"))
    lifecycle.unsubscribe(readers[0])
    lifecycle.suppress(readers[1].subscriber.email, reason=Suppression.Reason.COMPLAINT)
    Subscription.objects.filter(pk=readers[2].pk).update(status="paused")
    readers[3].subscriber.delete()

    balance = send(dispatch)

    assert states(balance) == only(accepted=READERS - 4, skipped=4)
    assert balance.skipped_by_reason == {"unsubscribed": 1, "suppressed": 1, "paused": 1, "erased": 1}
    assert provider.seen()["recipients"] == READERS - 4


def test_edit_while_it_goes_out_changes_no_mail(dispatch: Dispatch, provider: Fake) -> None:
    Issue.objects.update(body="<p>Corrected.</p>", subject="Corrected")

    send(dispatch)

    assert not any("Corrected" in str(provider.messages(address)) for address in provider.counts())


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


def test_wake_up_stays_for_work_that_is_due_soon(dispatch: Dispatch, provider: Fake, monkeypatch) -> None:
    monkeypatch.setattr(submission, "PATIENCE", 5.0)
    provider.faults(throttle_every=2, retry_after=1, times=1)
    monkeypatch.setattr(recording, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(conversation, "THROTTLED", 0.2)

    submission.send_for(dispatch.pk, seconds=30)

    assert Delivery.objects.filter(state="accepted").count() == READERS


def test_throttled_provider_is_left_alone_by_all_until_it_said(by_mailgun: Dispatch, mailgun: Fake) -> None:
    mailgun.faults(throttle_every=1, retry_after=60)
    submission.send_for(by_mailgun.pk, seconds=30)

    assert submission.send_for(by_mailgun.pk, seconds=30) is False

    assert mailgun.seen()["calls"] == 1
    assert Dispatch.objects.filter(not_before__gt=Now() + timedelta(seconds=50)).count() == 1


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


@pytest.mark.parametrize("verb", ["pause", "stop"])
def test_pause_and_stop_hand_over_nothing_more(dispatch: Dispatch, provider: Fake, verb: str) -> None:
    act = {"pause": control.pause, "stop": control.stop}[verb]

    assert [act(dispatch.pk), act(dispatch.pk)] == [True, False]
    balance = send(dispatch)

    expected = only(pending=READERS) if verb == "pause" else only(skipped=READERS)
    assert states(balance) == expected
    assert provider.seen()["mails"] == 0


def test_worker_that_died_before_speaking_is_followed_by_another(dispatch: Dispatch, provider: Fake) -> None:
    batch_id = Batch.objects.ready(dispatch.pk).first().pk
    Batch.objects.claim(batch_id, lease=timedelta(seconds=-1))

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


def die_while_speaking(dispatch: Dispatch) -> Batch:
    """Everything up to the write-ahead, and then no more; the lease is over at once."""
    work = submission._load(dispatch.pk)
    batch = submission._claim(work)
    assert batch
    assert submission._write_ahead(batch, submission._recipients(work, batch))
    Batch.objects.filter(pk=batch.pk).update(lease_until=Now() - timedelta(seconds=1))
    return batch


def test_zombie_that_wakes_after_its_lease_does_not_speak(dispatch: Dispatch, provider: Fake) -> None:
    work = submission._load(dispatch.pk)
    batch = submission._claim(work)
    assert batch
    recipients = submission._recipients(work, batch)
    Batch.objects.filter(pk=batch.pk).update(lease_until=Now() - timedelta(seconds=1))
    recovery.recover()
    send(dispatch)

    assert submission._write_ahead(batch, recipients) is None

    assert (provider.seen()["mails"], provider.seen()["duplicates"]) == (READERS, 0)


def test_batch_that_brings_workers_down_pauses_the_dispatch(by_smtp: Dispatch) -> None:
    for _ in range(recovery.MOST_CRASHES):
        batch = Batch.objects.order_by("number").first()
        Batch.objects.claim(batch.pk, lease=timedelta(seconds=-1))
        recovery.recover()

    by_smtp.refresh_from_db()

    assert by_smtp.state == Dispatch.State.PAUSED
    assert by_smtp.reason == "Batch 1 brought 3 workers down."


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
    balance = send(by_smtp, rounds=recording.MOST_TRIES + 1)

    assert states(first) == only(accepted=READERS - 1, pending=1)
    assert states(balance) == only(accepted=READERS - 1, failed=1)
    assert balance.failed_by_reason == {"put_off": 1}
    assert by_smtp.state == Dispatch.State.SENT


@pytest.mark.parametrize("moment", range(2, 40, 3))
def test_interrupted_conversation_gives_nobody_another_readers_mail(
    by_smtp: Dispatch, smtp_server: Fake, monkeypatch, moment: int
) -> None:
    heard = iter(range(1, 10_000))
    getreply = smtplib.SMTP.getreply

    def interrupted(connection: smtplib.SMTP) -> tuple[int, bytes]:
        if next(heard) == moment:
            raise SoftTimeLimitExceeded
        return getreply(connection)

    monkeypatch.setattr(smtplib.SMTP, "getreply", interrupted)

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


def test_who_leaves_in_the_last_moment_is_not_written_to(dispatch: Dispatch, provider: Fake) -> None:
    work = submission._load(dispatch.pk)
    batch = submission._claim(work)
    assert batch
    recipients = submission._recipients(work, batch)
    leaving = Delivery.objects.get(pk=recipients[0].delivery_id).subscription
    lifecycle.unsubscribe(leaving)

    assert submission._write_ahead(batch, recipients) is None

    assert states(send(dispatch)) == only(accepted=READERS - 1, skipped=1)
    assert leaving.subscriber.email not in provider.counts()


def test_stop_settles_what_a_worker_still_hands_back(by_mailgun: Dispatch, mailgun: Fake) -> None:
    work = submission._load(by_mailgun.pk)
    batch = submission._claim(work)
    assert batch
    attempt = submission._write_ahead(batch, submission._recipients(work, batch))
    control.stop(by_mailgun.pk)
    recording.record(batch, attempt, Receipt())

    recovery.recover()

    assert states(progress.balance(Dispatch.objects.get())) == only(skipped=READERS)
    assert not Batch.objects.open().exists()


def test_workers_that_keep_dying_in_the_middle_pause_the_dispatch(
    draft: Issue, mailgun: Fake, settings
) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun", "batch_size": 3}}
    dispatch = prepared(draft)
    for _ in range(recording.MOST_DOUBTS):
        die_while_speaking(dispatch)
        recovery.recover()

    dispatch.refresh_from_db()

    assert dispatch.state == Dispatch.State.PAUSED


def test_database_that_is_away_for_a_moment_loses_no_answer(
    by_mailgun: Dispatch, mailgun: Fake, monkeypatch
) -> None:
    monkeypatch.setattr(submission, "RECORD_AGAIN_AFTER", (0.0, 0.0))
    monkeypatch.setattr(submission, "close_old_connections", lambda: None)
    record, failures = recording.record, iter([OperationalError("database is locked")] * 2)

    def record_at_last(*args: object) -> None:
        if error := next(failures, None):
            raise error
        record(*args)

    monkeypatch.setattr(recording, "record", record_at_last)

    assert states(send(by_mailgun)) == only(accepted=READERS)


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_lose_and_double_nobody(mailgun: Fake, settings) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun", "batch_size": 20}}
    dispatch = prepared(factories.issue(factories.newsletter()))
    bad = [f"reader{number}@example.com" for number in (1, 8, 15, 22)]
    mailgun.faults(refuse=dict.fromkeys(bad, 400), throttle_every=7, retry_after=0, latency=0.01)

    for _ in range(12):
        with ThreadPoolExecutor(4) as workers:
            list(workers.map(send_in_a_thread, [dispatch.pk] * 4))
        Batch.objects.update(not_before=None)
        Dispatch.objects.update(not_before=None)

    dispatch.refresh_from_db()
    assert states(progress.balance(dispatch)) == only(accepted=READERS - 4, failed=4)
    assert (mailgun.seen()["recipients"], mailgun.seen()["duplicates"]) == (READERS - 4, 0)


def send_in_a_thread(dispatch_id: int) -> None:
    try:
        submission.send_for(dispatch_id, seconds=5)
    finally:
        connection.close()
