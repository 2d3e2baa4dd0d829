"""The ledger against what a provider, in a process of its own, says it took."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from delivery import control, progress, recording, submission
from delivery.gateway import conversation
from delivery.models import Delivery, Dispatch
from newsletter.models import Issue
from subscribers import lifecycle
from subscribers.models import Subscription, Suppression
from tests import factories
from tests.delivery.engine import (
    READERS,
    built,
    only,
    prepared,
    send,
    states,
    wait_no_longer,
)
from tests.fakes.client import Fake


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
    Subscription.objects.filter(pk=readers[2].pk).update(status="paused", paused_until=timezone.now())
    readers[3].subscriber.delete()

    balance = send(dispatch)

    assert states(balance) == only(accepted=READERS - 4, skipped=4)
    assert balance.skipped_by_reason == {"unsubscribed": 1, "suppressed": 1, "paused": 1, "erased": 1}
    assert provider.seen()["recipients"] == READERS - 4


def test_edit_while_it_goes_out_changes_no_mail(dispatch: Dispatch, provider: Fake) -> None:
    Issue.objects.update(body="<p>Corrected.</p>", subject="Corrected")

    send(dispatch)

    assert not any("Corrected" in str(provider.messages(address)) for address in provider.counts())


def test_wake_up_stays_for_work_that_is_due_soon(dispatch: Dispatch, provider: Fake, monkeypatch) -> None:
    monkeypatch.setattr(submission, "PATIENCE", 5.0)
    provider.faults(throttle_every=2, retry_after=1, times=1)
    monkeypatch.setattr(recording, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(conversation, "THROTTLED", 0.2)

    submission.send_for(dispatch.pk, seconds=30)

    assert Delivery.objects.filter(state="accepted").count() == READERS


@pytest.mark.parametrize("verb", ["pause", "stop"])
def test_pause_and_stop_hand_over_nothing_more(dispatch: Dispatch, provider: Fake, verb: str) -> None:
    act = {"pause": control.pause, "stop": control.stop}[verb]

    assert [act(dispatch.pk), act(dispatch.pk)] == [True, False]
    balance = send(dispatch)

    expected = only(pending=READERS) if verb == "pause" else only(skipped=READERS)
    assert states(balance) == expected
    assert provider.seen()["mails"] == 0


def test_who_leaves_in_the_last_moment_is_not_written_to(dispatch: Dispatch, provider: Fake) -> None:
    attempt, recipients = built(dispatch)
    leaving = Delivery.objects.get(pk=recipients[0].delivery_id).subscription
    lifecycle.unsubscribe(leaving)

    assert not submission._write_ahead(attempt, recipients, is_part=False)

    assert states(send(dispatch)) == only(accepted=READERS - 1, skipped=1)
    assert leaving.subscriber.email not in provider.counts()


def test_database_that_is_away_for_a_moment_loses_no_answer(
    by_mailgun: Dispatch, mailgun: Fake, monkeypatch
) -> None:
    monkeypatch.setattr(submission, "RECORD_AGAIN_AFTER", (0.0, 0.0))
    monkeypatch.setattr(submission, "close_old_connections", lambda: None)
    record, failures = recording.record, iter([OperationalError("database is locked")] * 2)

    def record_at_last(*args: object, **kwargs: object) -> None:
        if error := next(failures, None):
            raise error
        record(*args, **kwargs)

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
        wait_no_longer()

    dispatch.refresh_from_db()
    assert states(progress.balance(dispatch)) == only(accepted=READERS - 4, failed=4)
    assert (mailgun.seen()["recipients"], mailgun.seen()["duplicates"]) == (READERS - 4, 0)


def send_in_a_thread(dispatch_id: int) -> None:
    try:
        submission.send_for(dispatch_id, seconds=5)
    finally:
        connection.close()
