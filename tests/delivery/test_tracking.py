"""What follows from the providers' events, each put down as the webhooks do."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from delivery import doubts, recovery, tasks, tracking
from delivery.models import Batch, Delivery, Dispatch, Event
from newsletter.models import Issue
from subscribers import changing_address, consent
from subscribers.models import Subscription, Suppression, address_key
from tests.delivery.engine import die_while_speaking
from tests.delivery.ledgers import counts, ledger

SEVEN = datetime(2026, 11, 3, 7, 3, tzinfo=UTC)
PROOF = [kind for kind in Event.Kind.values if kind != "other"]


def told(delivery: Delivery | None, kind: str, **other: object) -> Event:
    reader = delivery.subscription.subscriber if delivery and delivery.subscription else None
    given = {
        "key": uuid.uuid4(),
        "mailer": "bulk",
        "kind": kind,
        "delivery": delivery,
        "address_key": reader.address_key if reader else "",
        "happened_at": SEVEN,
    }
    event = Event.objects.create(**given | other)
    event.refresh_from_db()
    return event


def one(dispatch: Dispatch, state: str = "uncertain") -> Delivery:
    return Delivery.objects.filter(dispatch=dispatch, state=state).order_by("pk").first()


@pytest.mark.parametrize("kind", PROOF)
def test_whatever_proves_that_the_provider_had_it_ends_the_doubt(draft: Issue, kind: str) -> None:
    dispatch = ledger(draft, uncertain=2)
    delivery = one(dispatch)
    told(delivery, kind)

    tracking.process(seconds=10)

    assert counts(dispatch) == {"accepted": 1, "uncertain": 1}
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == ("accepted", "")
    assert delivery.detail == f"The provider's event: {kind}, 2026-11-03 07:03 UTC"
    assert not tracking.is_waiting()


def test_event_of_a_kind_we_do_not_know_proves_nothing(draft: Issue) -> None:
    dispatch = ledger(draft, uncertain=1)
    told(one(dispatch), "other")

    tracking.process(seconds=10)

    assert counts(dispatch) == {"uncertain": 1}
    assert not tracking.is_waiting()


@pytest.mark.parametrize("kind", ["delivered", "hard_bounced", "rejected"])
def test_nothing_but_a_doubt_is_touched(draft: Issue, kind: str) -> None:
    before = {"accepted": 1, "failed": 1, "skipped": 1, "pending": 1}
    dispatch = ledger(draft, **before)
    rows = {state: one(dispatch, state) for state in before}
    for row in rows.values():
        told(row, kind, words="550 5.1.1 no such user")

    tracking.process(seconds=10)

    assert counts(dispatch) == before
    for row in rows.values():
        detail = row.detail
        row.refresh_from_db()
        assert row.detail == detail
    [words] = Event.objects.evidence_of([rows["failed"].pk]).values()
    assert words.endswith("2026-11-03 07:03 UTC (550 5.1.1 no such user)")


def test_what_came_before_the_answer_counts_when_no_answer_comes(by_mailgun: Dispatch) -> None:
    batch = die_while_speaking(by_mailgun)
    for delivery in Delivery.objects.filter(batch=batch):
        told(delivery, "delivered")

    tracking.process(seconds=10)
    early = counts(by_mailgun)
    recovery.recover()
    doubtful = counts(by_mailgun)
    tracking.process(seconds=10)

    assert early == {"in_flight": 10, "pending": 20}
    assert doubtful == {"uncertain": 10, "pending": 20}
    assert counts(by_mailgun) == {"accepted": 10, "pending": 20}


def test_doubt_that_the_provider_can_clear_is_left_to_the_engine(by_resend: Dispatch) -> None:
    batch = die_while_speaking(by_resend, with_key=True)
    recovery.recover()
    told(Delivery.objects.filter(batch=batch).first(), "delivered")

    tracking.process(seconds=10)

    assert counts(by_resend) == {"in_flight": 10, "pending": 20}
    doubts.leave(Batch.objects.get(pk=batch.pk))
    tracking.process(seconds=10)
    assert counts(by_resend) == {"accepted": 1, "uncertain": 9, "pending": 20}


def test_event_of_somebody_else_has_no_effect(draft: Issue) -> None:
    dispatch = ledger(draft, uncertain=2)
    first, second = Delivery.objects.filter(dispatch=dispatch).order_by("pk")
    other = second.subscription.subscriber
    foreign = told(first, "hard_bounced", address_key=other.address_key)
    unknown = told(None, "hard_bounced", delivery_id=10**12, address_key=other.address_key)
    nameless = told(None, "complained", address_key=other.address_key)

    tracking.process(seconds=10)

    assert counts(dispatch) == {"uncertain": 2}
    assert not Suppression.objects.exists()
    assert not Event.objects.evidence_of([first.pk, second.pk])
    problems = [Event.objects.get(pk=event.pk).problem for event in (foreign, unknown, nameless)]
    assert problems == [
        "It is of another address, or the reader is gone.",
        "It is of no delivery of ours.",
        "It is of no delivery of ours.",
    ]


def test_event_of_an_erased_reader_has_no_effect(draft: Issue) -> None:
    dispatch = ledger(draft, uncertain=1)
    delivery = one(dispatch)
    told(delivery, "complained")
    delivery.subscription.subscriber.delete()

    tracking.process(seconds=10)

    assert counts(dispatch) == {"uncertain": 1}
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("hard_bounced", "hard_bounce"),
        ("complained", "complaint"),
        ("soft_bounced", None),
        ("rejected", None),
    ],
)
def test_hard_bounce_and_complaint_suppress(draft: Issue, kind: str, reason: str | None) -> None:
    dispatch = ledger(draft, accepted=2)
    delivery = one(dispatch, "accepted")
    for _ in range(3):
        told(delivery, kind)

    tracking.process(seconds=10)

    key = delivery.subscription.subscriber.address_key
    suppressed = list(Suppression.objects.values_list("address_key", "reason"))
    assert suppressed == ([(key, reason)] if reason else [])


def test_who_unsubscribes_at_the_provider_is_unsubscribed(
    draft: Issue, django_capture_on_commit_callbacks: Any
) -> None:
    dispatch = ledger(draft, accepted=2)
    delivery = one(dispatch, "accepted")
    for _ in range(2):
        told(delivery, "unsubscribed")

    with django_capture_on_commit_callbacks(execute=True):
        tracking.process(seconds=10)

    left = Subscription.objects.filter(status="unsubscribed").values_list("pk", flat=True)
    assert list(left) == [delivery.subscription_id]
    dispatch.refresh_from_db()
    assert dispatch.readers_left == 1


def test_event_that_fails_is_set_aside_and_stops_no_other(draft: Issue) -> None:
    dispatch = ledger(draft, uncertain=3)
    rows = list(Delivery.objects.filter(dispatch=dispatch).order_by("pk"))
    bad = [told(rows[0], "delivered"), told(rows[1], "no such kind"), told(rows[2], "delivered")][1]

    tracking.process(seconds=10)

    assert counts(dispatch) == {"accepted": 2, "uncertain": 1}
    bad.refresh_from_db()
    assert bad.problem == "ValueError(\"'no such kind' is not a valid Event.Kind\")"
    assert not tracking.is_waiting()


def test_work_that_takes_too_long_is_gone_on_with(draft: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "SLICE", 2)
    dispatch = ledger(draft, uncertain=5)
    for delivery in Delivery.objects.filter(dispatch=dispatch):
        told(delivery, "delivered")

    first = tracking.process(seconds=0)
    second = tracking.process(seconds=10)

    assert (first, second) == (True, False)
    assert counts(dispatch) == {"accepted": 5}


def test_sweep_finds_what_was_told_and_forgets_what_is_old(draft: Issue) -> None:
    dispatch = ledger(draft, uncertain=3)
    rows = list(Delivery.objects.filter(dispatch=dispatch).order_by("pk"))
    old, young, new = (told(row, "delivered") for row in rows)
    Event.objects.filter(pk=old.pk).update(received_at=Now() - timedelta(days=31), processed_at=Now())
    Event.objects.filter(pk=young.pk).update(received_at=Now() - timedelta(days=29), processed_at=Now())

    tasks.sweep()
    tasks.process_events()

    assert list(Event.objects.order_by("pk").values_list("pk", flat=True)) == [young.pk, new.pk]
    assert counts(dispatch) == {"accepted": 1, "uncertain": 2}


def moved(delivery: Delivery, email: str) -> None:
    """Their reader, since that mail went out."""
    reader = delivery.subscription.subscriber
    change = changing_address.ask(reader, new_email=email, now=timezone.now())
    for end in ("old", "new"):
        changing_address.agree(change.pk, end=end, now=timezone.now(), circumstances=consent.AT_THE_DESK)


@pytest.mark.parametrize(
    ("kind", "suppressed"),
    [
        ("complained", {"old": "complaint", "new": "complaint"}),
        ("hard_bounced", {"old": "hard_bounce"}),
        ("delivered", {}),
    ],
)
def test_event_of_the_address_that_a_reader_has_left_is_theirs(
    draft: Issue, kind: str, suppressed: dict[str, str]
) -> None:
    dispatch = ledger(draft, uncertain=1)
    delivery = one(dispatch)
    keys = {delivery.subscription.subscriber.address_key: "old", address_key("moved@new.example"): "new"}
    event = told(delivery, kind, address_key=next(iter(keys)))
    moved(delivery, "moved@new.example")

    tracking.process(seconds=10)

    assert counts(dispatch) == {"accepted": 1}
    assert Event.objects.get(pk=event.pk).problem == ""
    found = Suppression.objects.values_list("address_key", "reason")
    assert {keys[key]: reason for key, reason in found} == suppressed
