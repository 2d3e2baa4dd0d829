"""Who a dispatch goes to: one INSERT … SELECT, so that a million readers cost seconds and no memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from delivery.models import Dispatch

# Suppressed readers get a row too, already settled: everybody in the audience is accounted for. Waiting readers are
# numbered through and meet the batch of their number; one that met none is seen by `preparation`, which starts over.
FREEZE = """
INSERT INTO delivery_delivery (dispatch_id, subscription_id, batch_id, state, reason, detail, provider_id, settled_at)
SELECT %(dispatch)s, reader.id, batch.id,
       CASE WHEN reader.is_suppressed THEN 'skipped' ELSE 'pending' END,
       CASE WHEN reader.is_suppressed THEN 'suppressed' ELSE '' END,
       '', '', CASE WHEN reader.is_suppressed THEN {now} END
FROM (
    SELECT subscription.id, suppression.id IS NOT NULL AS is_suppressed,
           ROW_NUMBER() OVER (PARTITION BY suppression.id IS NOT NULL ORDER BY subscription.id) AS position
    FROM subscribers_subscription AS subscription
    JOIN subscribers_subscriber AS subscriber ON subscriber.id = subscription.subscriber_id
    LEFT JOIN subscribers_suppression AS suppression ON suppression.address_key = subscriber.address_key
    WHERE subscription.newsletter_id = %(newsletter)s AND subscription.status = 'active'
) AS reader
LEFT JOIN delivery_batch AS batch
    ON batch.dispatch_id = %(dispatch)s AND NOT reader.is_suppressed
    AND batch.number = (reader.position - 1) / %(batch_size)s + 1
ORDER BY reader.id
"""


def freeze(dispatch: Dispatch) -> int:
    """Write one delivery for every active reader of the dispatch's newsletter. Returns how many.

    Call inside a transaction, with enough batches made.
    """
    now = (
        "STATEMENT_TIMESTAMP()"
        if connection.vendor == "postgresql"
        else "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"
    )
    parameters = {
        "dispatch": dispatch.pk,
        "newsletter": dispatch.issue.newsletter_id,
        "batch_size": dispatch.batch_size,
    }
    with connection.cursor() as cursor:
        cursor.execute(FREEZE.format(now=now), parameters)
        frozen = int(cursor.rowcount)
        if (
            connection.vendor == "postgresql"
        ):  # or the planner takes the table for empty and reads all of it each time
            cursor.execute("ANALYZE delivery_delivery, delivery_batch")
    return frozen
