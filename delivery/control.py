"""What a person does to a running dispatch. Each is safe to press twice and true at once in the numbers."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from delivery import recording
from delivery.models import Batch, Dispatch

State = Dispatch.State


def pause(dispatch_id: int) -> bool:
    """No batch begins after this; those in a worker's hands finish. False when it was not going out."""
    return Dispatch.objects.move(dispatch_id, to=State.PAUSED, allowed=[State.SENDING], reason="")


def resume(dispatch_id: int) -> bool:
    """Go on from where it stood. False when it was not paused."""
    with transaction.atomic():
        resumed = Dispatch.objects.move(
            dispatch_id, to=State.SENDING, allowed=[State.PAUSED], reason="", not_before=None
        )
        if resumed:
            Batch.objects.filter(dispatch_id=dispatch_id, state=Batch.State.READY).update(
                tries=0, not_before=None
            )
    return resumed


def stop(dispatch_id: int) -> bool:
    """Never send it to those who still wait. False when it had ended before, or is being prepared."""
    stopped = Dispatch.objects.move(
        dispatch_id, to=State.STOPPED, allowed=[State.SENDING, State.PAUSED], reason="", finished_at=Now()
    )
    if stopped:
        recording.settle_stopped(dispatch_id)
    return stopped
