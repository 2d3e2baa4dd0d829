"""Fewer mails instead of none: pauses with their end, and how often."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from subscribers import consent
from subscribers.models import ConsentEvent, Subscription

if TYPE_CHECKING:
    from datetime import datetime

    from subscribers.consent import Circumstances
    from subscribers.models import SubscriptionQuerySet

Status = Subscription.Status
# Pauses of a length of their own, as they are offered.
TWO_WEEKS, MONTH = "two_weeks", "month"
LENGTHS = {TWO_WEEKS: timedelta(weeks=2), MONTH: timedelta(days=30)}
RESUMED_AT_ONCE = 5000
RESTED = """
SELECT id FROM subscribers_subscription
WHERE status = 'paused' AND paused_until <= %(now)s AND (newsletter_id = %(newsletter)s OR %(newsletter)s = 0)
ORDER BY paused_until, id LIMIT %(most)s
"""
RESUME = """
UPDATE subscribers_subscription SET status = 'active', paused_until = NULL WHERE id IN ({those})
"""
NOTE = """
INSERT INTO subscribers_consentevent
    (subscriber_id, newsletter_id, kind, method, happened_at, network, agent, language, details)
SELECT subscriber_id, newsletter_id, 'resumed', 'clock', %(now)s, '', '', '', '{{}}' FROM {rested}
"""
# Each reader's event in the same step as the end of their pause. On PostgreSQL whoever is at one of them in this moment
# (its reader, another worker) keeps it, and the next look finds it; SQLite has one writer at a time.
ALL_OF_IT = {
    "postgresql": (
        f"WITH back AS ({RESUME} RETURNING subscriber_id, newsletter_id) {NOTE}".format(
            those=f"{RESTED} FOR UPDATE SKIP LOCKED", rested="back"
        ),
    ),
    "sqlite": (
        NOTE.format(rested=f"subscribers_subscription WHERE id IN ({RESTED})"),
        RESUME.format(those=RESTED),
    ),
}
EVERY_NEWSLETTER = 0


def pause(subscription: Subscription, *, until: datetime, circumstances: Circumstances) -> bool:
    """No mails until then (aware); a pause that is on gets a new end. False for whom nothing is sent to anyway."""
    return _change(
        _reading(subscription),
        subscription,
        consent.event(
            consent.Kind.PAUSED,
            subscription,
            circumstances,
            at=timezone.now(),
            details={"until": until.isoformat()},
        ),
        status=Status.PAUSED,
        paused_until=until,
    )


def resume(subscription: Subscription, *, circumstances: Circumstances) -> bool:
    """End a pause. False when there is none."""
    return _change(
        _reading(subscription).filter(status=Status.PAUSED),
        subscription,
        consent.event(consent.Kind.RESUMED, subscription, circumstances, at=timezone.now()),
        status=Status.ACTIVE,
        paused_until=None,
    )


def choose(
    subscription: Subscription, frequency: Subscription.Frequency, *, circumstances: Circumstances
) -> bool:
    """How often. Whoever chooses it is not paused any more. False for whom nothing is sent to anyway."""
    _change(
        _reading(subscription).exclude(status=Status.ACTIVE, frequency=frequency),
        subscription,
        consent.event(
            consent.Kind.FREQUENCY,
            subscription,
            circumstances,
            at=timezone.now(),
            details={"frequency": str(frequency)},
        ),
        status=Status.ACTIVE,
        paused_until=None,
        frequency=frequency,
    )
    return subscription.status == Status.ACTIVE and subscription.frequency == frequency


def resume_due(*, now: datetime, newsletter_id: int = EVERY_NEWSLETTER) -> int:
    """End the pauses whose time has come, of all newsletters or of one. Returns how many.

    Some thousands at a time: after a holiday a whole readership may come back on the same morning, and nobody who
    presses a button meanwhile should wait for that.
    """
    ended = 0
    while some := _resume_some(now=now, newsletter_id=newsletter_id):
        ended += some
    return ended


def _resume_some(*, now: datetime, newsletter_id: int) -> int:
    at = connection.ops.adapt_datetimefield_value(now)
    given = {"now": at, "newsletter": newsletter_id, "most": RESUMED_AT_ONCE}
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in ALL_OF_IT[connection.vendor]:
            cursor.execute(statement, given)
        return int(cursor.rowcount)


def _reading(subscription: Subscription) -> SubscriptionQuerySet:
    return Subscription.objects.reading().filter(pk=subscription.pk)


def _change(
    rows: SubscriptionQuerySet, subscription: Subscription, event: ConsentEvent, **changes: object
) -> bool:
    with transaction.atomic():
        changed = rows.update(**changes)
        if changed:
            event.save(force_insert=True)
    try:
        subscription.refresh_from_db(fields=["status", "frequency", "paused_until"])
    except Subscription.DoesNotExist:  # deleted meanwhile
        subscription.status = Status.UNSUBSCRIBED
    return changed == 1
