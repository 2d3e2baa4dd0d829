"""Readers who get another hand-over: out of the state they ended in, into new batches, in one statement each.

Set by set, like the audience (audience.py): a million failed readers cost seconds and no memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Max

from delivery.models import Batch, Delivery

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from delivery.models import Dispatch

# The state is asked for twice: inside to number the readers, outside because a worker that wakes late may have settled
# one of them between the two, and PostgreSQL looks again only at the row that it is about to change.
REPEAT = """
UPDATE delivery_delivery
SET state = 'pending', reason = '', detail = '', provider_id = '', attempt_id = NULL, settled_at = NULL,
    batch_id = fresh.id
FROM (
    SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS position
    FROM delivery_delivery AS delivery
    WHERE delivery.dispatch_id = %(dispatch)s AND delivery.state = %(state)s AND NOT ({is_busy})
) AS chosen
JOIN delivery_batch AS fresh
    ON fresh.dispatch_id = %(dispatch)s AND fresh.number = %(last)s + 1 + (chosen.position - 1) / %(size)s
WHERE delivery_delivery.id = chosen.id AND delivery_delivery.state = %(state)s
"""
IS_BUSY = """EXISTS (
        SELECT 1 FROM delivery_batch AS old
        WHERE old.id = delivery.batch_id AND old.state IN ('claimed', 'submitting')
    )"""


def put_into_batches(those: QuerySet[Delivery], dispatch: Dispatch, *, cause: Batch.Cause) -> int:
    """Give the failed (RETRY) or the uncertain (AGAIN) of a dispatch back to its workers. Returns how many readers.

    Call inside a transaction that holds the dispatch's row: batches are numbered one after another. `those` says how
    many there are; whoever comes to it in this moment waits for the next press.
    """
    last = Batch.objects.filter(dispatch=dispatch).aggregate(last=Max("number"))["last"] or 0
    wanted = -(-those.count() // dispatch.batch_size)
    Batch.objects.cut(dispatch, range(last + 1, last + 1 + wanted), cause=cause)
    is_again = cause == Batch.Cause.AGAIN
    state = Delivery.State.UNCERTAIN if is_again else Delivery.State.FAILED
    given = {"dispatch": dispatch.pk, "state": state.value, "last": last, "size": dispatch.batch_size}
    with connection.cursor() as cursor:
        cursor.execute(REPEAT.format(is_busy=IS_BUSY if is_again else "1 = 0"), given)
        return int(cursor.rowcount)
