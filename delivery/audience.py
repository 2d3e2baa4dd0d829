"""Who a dispatch goes to: one INSERT … SELECT, so that a million readers cost seconds and no memory.

How often a reader wants mail is asked once for each issue, when its audience is frozen; a choice holds from the next
mail on. An issue leaves out who wants one mail a week, and on Saturday and Sunday, by the newsletter's clock, who wants
weekdays only. A digest is for the first alone. So whoever changes to it in the middle of a week finds in it also what
they have had, as headlines; and whoever changes back gets every issue from then on, and finds those of the days before
in the archive. The rest and a correction of an issue keep its people: only a pause, leaving, a suppression and a
deletion are asked for again, up to the moment of each hand-over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q

from delivery.models import Delivery, Dispatch
from newsletter.models import Issue
from subscribers.models import Subscription

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from newsletter.models import Newsletter
    from subscribers.counting import Readership
    from subscribers.models import SubscriptionQuerySet

Frequency = Subscription.Frequency
SATURDAY = 5
LOOKED_AT = 15  # dispatches, of which the last of the same kind of day is compared with

# Whom it is not for gets a row too, already settled: everybody in the audience is accounted for. Waiting readers are
# numbered through and meet the batch of their number; one that met none is seen by `preparation`, which starts over.
FREEZE = """
INSERT INTO delivery_delivery (dispatch_id, subscription_id, batch_id, state, reason, detail, provider_id, settled_at)
SELECT %(dispatch)s, reader.id, batch.id,
       CASE WHEN reader.reason = '' THEN 'pending' ELSE 'skipped' END, reader.reason,
       '', '', CASE WHEN reader.reason = '' THEN NULL ELSE {now} END
FROM (
    SELECT found.id, found.reason,
           ROW_NUMBER() OVER (PARTITION BY found.reason ORDER BY found.id) AS position
    FROM ({readers}) AS found
) AS reader
LEFT JOIN delivery_batch AS batch
    ON batch.dispatch_id = %(dispatch)s AND reader.reason = ''
    AND batch.number = (reader.position - 1) / %(batch_size)s + 1
ORDER BY reader.id
"""
EVERYONE = """
    SELECT subscription.id,
           CASE WHEN suppression.id IS NOT NULL THEN 'suppressed'
                WHEN %(is_digest)s THEN ''
                WHEN subscription.frequency = 'weekly' THEN 'weekly'
                WHEN subscription.frequency = 'weekdays' AND %(is_weekend)s THEN 'weekend'
                ELSE '' END AS reason
    FROM subscribers_subscription AS subscription
    JOIN subscribers_subscriber AS subscriber ON subscriber.id = subscription.subscriber_id
    LEFT JOIN subscribers_suppression AS suppression ON suppression.address_key = subscriber.address_key
    WHERE subscription.newsletter_id = %(newsletter)s AND subscription.status = 'active'
      AND (subscription.frequency = 'weekly' OR NOT %(is_digest)s)
"""
# Readers of the dispatch before. Whoever has gone since is in it as skipped, so that what was left over adds up.
FOLLOWERS = """
    SELECT subscription.id,
           CASE WHEN subscription.id IS NULL THEN 'erased'
                WHEN suppression.id IS NOT NULL THEN 'suppressed'
                WHEN subscription.status = 'active' THEN ''
                WHEN subscription.status = 'paused' THEN 'paused'
                ELSE 'unsubscribed' END AS reason
    FROM delivery_delivery AS before
    LEFT JOIN subscribers_subscription AS subscription ON subscription.id = before.subscription_id
    LEFT JOIN subscribers_subscriber AS subscriber ON subscriber.id = subscription.subscriber_id
    LEFT JOIN subscribers_suppression AS suppression ON suppression.address_key = subscriber.address_key
    WHERE before.dispatch_id = %(after)s AND ({those})
"""
# What a stopped dispatch failed to hand over is not tried again as it was: the mail may have been what was refused.
THOSE = {
    Dispatch.Audience.REST: (
        "before.state = 'skipped' AND before.reason = 'stopped' OR before.state = 'failed' AND %(was_stopped)s"
    ),
    Dispatch.Audience.CORRECTION: "before.state IN ('accepted', 'uncertain')",
}


@dataclass(frozen=True, slots=True)
class Outlook:
    """How many an issue would go to, and how many active readers it leaves out; the ledger will say the same."""

    readers: int
    weekly: int = 0  # who wants one mail a week
    weekend: int = 0  # who wants none on such a day


def outlook(issue: Issue, *, at: datetime, readership: Readership) -> Outlook:
    """If it began at that time."""
    if issue.kind == Issue.Kind.DIGEST:
        return Outlook(readership.weekly)
    weekend = readership.weekdays if is_weekend(at, newsletter=issue.newsletter) else 0
    return Outlook(readership.total - readership.weekly - weekend, readership.weekly, weekend)


def getting(issue: Issue, *, at: datetime) -> SubscriptionQuerySet:
    """Whom it is for, if it begins at that time; the same as EVERYONE."""
    found = Subscription.objects.mailable(issue.newsletter)
    if issue.kind == Issue.Kind.DIGEST:
        return found.filter(frequency=Frequency.WEEKLY)
    others = [Frequency.WEEKLY]
    if is_weekend(at, newsletter=issue.newsletter):
        others.append(Frequency.WEEKDAYS)
    return found.exclude(frequency__in=others)


def is_weekend(at: datetime, *, newsletter: Newsletter) -> bool:
    """Saturday or Sunday, by the newsletter's own clock."""
    return at.astimezone(ZoneInfo(newsletter.time_zone)).weekday() >= SATURDAY


def moment(dispatch: Dispatch) -> datetime:
    """Of which day it is: of the one it was approved for, even where it began late, over midnight."""
    return dispatch.issue.scheduled_at or dispatch.started_at


def of(before: Dispatch, *, audience: str) -> QuerySet[Delivery]:
    """Whom the rest or a correction of this dispatch is for; the same as THOSE."""
    if audience == Dispatch.Audience.REST:
        left_out = Q(state=Delivery.State.SKIPPED, reason=Delivery.Reason.STOPPED)
        if before.state == Dispatch.State.STOPPED:
            left_out |= Q(state=Delivery.State.FAILED)
        return before.deliveries.filter(left_out)
    return before.deliveries.filter(state__in=[Delivery.State.ACCEPTED, Delivery.State.UNCERTAIN])


def before(issue: Issue, *, at: datetime) -> Dispatch | None:
    """The last dispatch to compare with, without the mail: of another issue of its kind, to everyone; and where some
    readers want weekdays only, on the same kind of day."""
    newsletter = issue.newsletter
    everyone = Dispatch.objects.filter(
        issue__newsletter=newsletter, issue__kind=issue.kind, audience=Dispatch.Audience.EVERYONE
    )
    counted = everyone.filter(audience_size__gt=0).exclude(issue=issue.pk)
    columns = ["audience_size", "mailable", "started_at", "issue__scheduled_at"]
    rows = counted.select_related("issue").only(*columns).order_by("-started_at", "-pk")
    if issue.kind == Issue.Kind.DIGEST or not newsletter.weekday_readers:
        return rows.first()
    day = is_weekend(at, newsletter=newsletter)
    alike = (each for each in rows[:LOOKED_AT] if is_weekend(moment(each), newsletter=newsletter) == day)
    return next(alike, None)


def most(dispatch: Dispatch) -> int:
    """As many readers as may wait for it once it is frozen, or a few more."""
    if dispatch.after is None:
        return getting(dispatch.issue, at=moment(dispatch)).count()
    return of(dispatch.after, audience=dispatch.audience).count()


def freeze(dispatch: Dispatch) -> int:
    """Write one delivery for everybody whom the dispatch is for. Returns how many.

    Call inside a transaction, with enough batches made.
    """
    now = (
        "STATEMENT_TIMESTAMP()"
        if connection.vendor == "postgresql"
        else "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"
    )
    issue = dispatch.issue
    readers = EVERYONE
    if dispatch.after_id:
        readers = FOLLOWERS.format(those=THOSE[Dispatch.Audience(dispatch.audience)])
    parameters = {
        "dispatch": dispatch.pk,
        "newsletter": issue.newsletter_id,
        "is_digest": issue.kind == Issue.Kind.DIGEST,
        "is_weekend": is_weekend(moment(dispatch), newsletter=issue.newsletter),
        "after": dispatch.after_id,
        "was_stopped": bool(dispatch.after and dispatch.after.state == Dispatch.State.STOPPED),
        "batch_size": dispatch.batch_size,
    }
    with connection.cursor() as cursor:
        cursor.execute(FREEZE.format(now=now, readers=readers), parameters)
        frozen = int(cursor.rowcount)
        if (
            connection.vendor == "postgresql"
        ):  # or the planner takes the table for empty and reads all of it each time
            cursor.execute("ANALYZE delivery_delivery, delivery_batch")
    return frozen
