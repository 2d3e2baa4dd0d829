"""Who a dispatch goes to: one INSERT … SELECT, so that a million readers cost seconds and no memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Q

from delivery.models import Delivery, Dispatch
from subscribers.models import Subscription

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from newsletter.models import Issue

# Suppressed readers get a row too, already settled: everybody in the audience is accounted for. Waiting readers are
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
    SELECT subscription.id, CASE WHEN suppression.id IS NULL THEN '' ELSE 'suppressed' END AS reason
    FROM subscribers_subscription AS subscription
    JOIN subscribers_subscriber AS subscriber ON subscriber.id = subscription.subscriber_id
    LEFT JOIN subscribers_suppression AS suppression ON suppression.address_key = subscriber.address_key
    WHERE subscription.newsletter_id = %(newsletter)s AND subscription.status = 'active'
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


def of(before: Dispatch, *, audience: str) -> QuerySet[Delivery]:
    """Whom the rest or a correction of this dispatch is for; the same as THOSE."""
    if audience == Dispatch.Audience.REST:
        left_out = Q(state=Delivery.State.SKIPPED, reason=Delivery.Reason.STOPPED)
        if before.state == Dispatch.State.STOPPED:
            left_out |= Q(state=Delivery.State.FAILED)
        return before.deliveries.filter(left_out)
    return before.deliveries.filter(state__in=[Delivery.State.ACCEPTED, Delivery.State.UNCERTAIN])


def before(issue: Issue) -> Dispatch | None:
    """The last time that another issue of its newsletter went to everyone, without the mail."""
    everyone = Dispatch.objects.filter(
        issue__newsletter=issue.newsletter_id, audience=Dispatch.Audience.EVERYONE, audience_size__gt=0
    )
    counted = everyone.exclude(issue=issue.pk).only("audience_size", "mailable")
    return counted.order_by("-started_at", "-pk").first()


def most(dispatch: Dispatch) -> int:
    """As many readers as may wait for it once it is frozen, or a few more."""
    if dispatch.after is None:
        return Subscription.objects.mailable(dispatch.issue.newsletter).count()
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
    readers = EVERYONE
    if dispatch.after_id:
        readers = FOLLOWERS.format(those=THOSE[Dispatch.Audience(dispatch.audience)])
    parameters = {
        "dispatch": dispatch.pk,
        "newsletter": dispatch.issue.newsletter_id,
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
