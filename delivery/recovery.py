"""What a sweep finds in the database and puts right: the queue may lose everything, this loses nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from delivery import circuit, conclusions, doubts, epoch, notebook, recording, spool
from delivery.models import Batch, Delivery, Dispatch

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

MOST_CRASHES = 3
WORKER_LOST = "The worker died, or was cut off, after the hand-over had begun."


def recover() -> None:
    """Free what dead workers held. A batch in `claimed` had not begun to speak; one in `submitting` may have."""
    spool.bring_in()  # before anybody is called uncertain
    notebook.bring_in()
    epoch.may_send()  # long before the first wake-up: makes the marks, and finds at a start what is wrong
    _free()
    for batch in Batch.objects.abandoned(Batch.State.SUBMITTING):
        try:
            _follow(batch)
        except Exception:  # whatever is wrong with this one, those behind it have readers who wait, too
            logger.exception("Batch %s of a dead worker could not be followed up.", batch.pk)
    doubts.expire()
    stopped = Batch.objects.filter(state=Batch.State.READY, dispatch__state=Dispatch.State.STOPPED)
    for dispatch_id in stopped.values_list("dispatch_id", flat=True).distinct():
        recording.settle_stopped(dispatch_id)


def _free() -> None:
    """None of these mails had left."""
    with transaction.atomic():
        left = list(Batch.objects.abandoned(Batch.State.CLAIMED).unlocked())
        Batch.objects.filter(pk__in=[batch.pk for batch in left]).update(
            state=Batch.State.READY, lease_until=None, crashes=F("crashes") + 1
        )
    if left:
        logger.warning("%s batches of dead workers are ready again; none of their mails had left.", len(left))
    for batch in left:
        if (crashes := batch.crashes + 1) >= MOST_CRASHES:
            reason = f"Batch {batch.number} brought {crashes} workers down."
            circuit.pause(batch.dispatch_id, reason=reason)
            Batch.objects.filter(pk=batch.pk).update(crashes=0)  # whoever goes on has seen to it


def _follow(batch: Batch) -> None:
    with transaction.atomic():
        if not Batch.objects.held(batch, state=Batch.State.SUBMITTING).unlocked():
            return
        if doubts.attempt_of(batch):
            _ask_again(batch)
        else:
            _doubt(batch)


def _doubt(batch: Batch) -> None:
    doubtful = recording.leave_in_doubt(batch, reason=Delivery.Reason.WORKER_LOST, words=WORKER_LOST)
    words = "Dispatch %s: a worker died during a hand-over; %s readers are uncertain."
    logger.error(words, batch.dispatch_id, doubtful)
    conclusions.break_circuit(batch, words=WORKER_LOST)


def _ask_again(batch: Batch) -> None:
    """The provider knows calls by their keys, so nobody is uncertain: a worker asks it once more."""
    Batch.objects.filter(pk=batch.pk).update(
        state=Batch.State.READY, lease_until=None, pinned_to=batch.mailer
    )
    logger.warning(
        "Dispatch %s: a worker died during a hand-over; it is repeated with its key.", batch.dispatch_id
    )


def in_hand(dispatch_id: int) -> int:
    """Batches that workers are at."""
    return Batch.objects.live().filter(dispatch_id=dispatch_id).count()


def unprepared() -> Iterator[int]:
    yield from Dispatch.objects.filter(state=Dispatch.State.PREPARING).values_list("pk", flat=True)


def unfinished() -> Iterator[int]:
    """Dispatches with something to do: a batch to send, or only the end to be noted."""
    for dispatch_id in Dispatch.objects.filter(state=Dispatch.State.SENDING).values_list("pk", flat=True):
        if not recording.finish(dispatch_id) and Batch.objects.ready(dispatch_id).exists():
            yield dispatch_id
