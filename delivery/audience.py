"""Who a dispatch goes to: one INSERT … SELECT, so that a million readers cost seconds and no memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from delivery.models import Delivery, Dispatch
from subscribers.models import Subscription

if TYPE_CHECKING:
    from django.db.models import QuerySet

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
THOSE = {
    Dispatch.Audience.REST: "before.state = 'skipped' AND before.reason = 'stopped'",
    Dispatch.Audience.CORRECTION: "before.state IN ('accepted', 'uncertain')",
}


def of(before: Dispatch, *, audience: str) -> QuerySet[Delivery]:
    """Whom the rest or a correction of this dispatch is for; the same as THOSE."""
    if audience == Dispatch.Audience.REST:
        return before.deliveries.filter(state=Delivery.State.SKIPPED, reason=Delivery.Reason.STOPPED)
    return before.deliveries.filter(state__in=[Delivery.State.ACCEPTED, Delivery.State.UNCERTAIN])


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
