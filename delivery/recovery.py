"""What a sweep finds in the database and puts right: the queue may lose everything, this loses nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from delivery import recording
from delivery.models import Attempt, Batch, Delivery, Dispatch

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

MOST_CRASHES = 3
WORKER_LOST = "The worker died, or was cut off, after the hand-over had begun."


def recover() -> None:
    """Free what dead workers held. A batch in `claimed` had not begun to speak; one in `submitting` may have."""
    for batch in Batch.objects.abandoned(Batch.State.CLAIMED).filter(tries__gte=MOST_CRASHES):
        recording.pause(batch.dispatch_id, reason=f"Batch {batch.number} brought {batch.tries} workers down.")
    freed = Batch.objects.abandoned(Batch.State.CLAIMED).update(state=Batch.State.READY, lease_until=None)
    if freed:
        logger.warning("%s batches of dead workers are ready again; none of their mails had left.", freed)
    for batch in Batch.objects.abandoned(Batch.State.SUBMITTING):
        _doubt(batch)
    stopped = Batch.objects.filter(state=Batch.State.READY, dispatch__state=Dispatch.State.STOPPED)
    for dispatch_id in stopped.values_list("dispatch_id", flat=True).distinct():
        recording.settle_stopped(dispatch_id)


def _doubt(batch: Batch) -> None:
    with transaction.atomic():
        if (
            Batch.objects.held(batch, state=Batch.State.SUBMITTING).update(
                state=Batch.State.DONE, lease_until=None
            )
            == 0
        ):
            return
        doubtful = Delivery.objects.filter(batch=batch, state=Delivery.State.IN_FLIGHT).update(
            state=Delivery.State.UNCERTAIN,
            reason=Delivery.Reason.WORKER_LOST,
            detail=WORKER_LOST,
            settled_at=Now(),
        )
        Attempt.objects.filter(batch=batch, fence=batch.fence, outcome=Attempt.Outcome.OPEN).update(
            outcome=Attempt.Outcome.UNCERTAIN, detail=WORKER_LOST, ended_at=Now()
        )
    logger.error(
        "Dispatch %s: a worker died during a hand-over; %s readers are uncertain.",
        batch.dispatch_id,
        doubtful,
    )
    recording.break_circuit(batch.dispatch_id, words=WORKER_LOST)


def unprepared() -> Iterator[int]:
    yield from Dispatch.objects.filter(state=Dispatch.State.PREPARING).values_list("pk", flat=True)


def unfinished() -> Iterator[int]:
    """Dispatches with something to do: a batch to send, or only the end to be noted."""
    for dispatch_id in Dispatch.objects.filter(state=Dispatch.State.SENDING).values_list("pk", flat=True):
        if not recording.finish(dispatch_id) and Batch.objects.ready(dispatch_id).exists():
            yield dispatch_id
