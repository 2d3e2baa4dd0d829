"""Wake-ups. The queue carries ids only; the database says what to do, so any of these may be lost or doubled."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial

from celery import shared_task
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from delivery import gateway, preparation, recovery, submission
from delivery.exceptions import AlreadyDispatched, CannotStart
from newsletter import publishing
from newsletter.models import Issue

logger = logging.getLogger(__name__)

STEP = 20.0  # seconds a wake-up works before it returns; a worker that is asked to stop does so within it
# A schedule that was missed by more than this does not fire late by itself: yesterday's news at three in the morning.
GRACE = timedelta(hours=6)


@shared_task
def start_due() -> None:
    """Begin every issue whose time has come."""
    now = timezone.now()
    for issue in Issue.objects.due(now).select_related("newsletter"):
        if issue.scheduled_at and now - issue.scheduled_at > GRACE:
            publishing.unschedule(issue)
            logger.error(
                "Issue %s was due at %s and was not sent; it is a draft again.", issue.pk, issue.scheduled_at
            )
            continue
        try:
            prepare_dispatch.delay(preparation.start(issue).pk)
        except AlreadyDispatched:
            continue
        except CannotStart as problem:
            publishing.unschedule(issue)
            logger.error("Issue %s was due and cannot be sent; it is a draft again: %s", issue.pk, problem)
        except Exception:  # whatever is wrong with this issue, the next one has readers who wait, too
            logger.exception("Issue %s was due and could not be started.", issue.pk)


@shared_task(soft_time_limit=540, time_limit=570)  # ten million readers take about a minute
def prepare_dispatch(dispatch_id: int) -> None:
    preparation.prepare(dispatch_id)
    _wake_senders(dispatch_id)


@shared_task
def send_batches(dispatch_id: int) -> None:
    if submission.send_for(dispatch_id, seconds=STEP):
        send_batches.delay(dispatch_id)


@shared_task
def sweep() -> None:
    """Find in the database what a lost message, a dead worker or an emptied Redis left undone."""
    recovery.recover()
    for dispatch_id in recovery.unprepared():
        prepare_dispatch.delay(dispatch_id)
    for dispatch_id in recovery.unfinished():
        _wake_senders(dispatch_id)


def wake(dispatch_id: int) -> None:
    """Ask the workers to see to this dispatch now. If the broker cannot be reached, the sweep will."""
    transaction.on_commit(partial(_prepare_soon, dispatch_id))


def _prepare_soon(dispatch_id: int) -> None:
    try:
        prepare_dispatch.delay(dispatch_id)
    except OperationalError:
        logger.warning("The broker cannot be reached; the sweep will see to dispatch %s.", dispatch_id)


def _wake_senders(dispatch_id: int) -> None:
    for _ in range(gateway.concurrency(preparation.MAILER)):
        send_batches.delay(dispatch_id)
