"""Wake-ups. The queue carries ids only; the database says what to do, so any of these may be lost or doubled."""

from __future__ import annotations

import logging
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from delivery import (
    alarms,
    digests,
    epoch,
    gateway,
    notices,
    planning,
    preparation,
    proofing,
    recovery,
    submission,
    tracking,
)
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Alarm
from delivery.troubles import Trouble
from newsletter.models import Issue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger = logging.getLogger(__name__)

WAKE_UP_LIFE = 60.0  # seconds; a queue of wake-ups that nobody has time for must not grow from sweep to sweep
STEP = 20.0  # seconds a wake-up works before it returns; a worker that is asked to stop does so within it
Wake = tuple[Any, *tuple[int, ...]]  # a task, and whom it is for
# Whose number a wake-up carries, where it is not a dispatch's.
OF = {"delivery.tasks.send_proof": "test mail", "delivery.tasks.tell_of_plan": "plan"}


@shared_task
def start_due() -> None:
    """Begin every issue whose time has come, digests as well; then wake workers for all of them."""
    _survive(lambda: digests.look(now=timezone.now()))
    due = Issue.objects.due().select_related("newsletter")
    if not due.exists() or not epoch.may_send():  # a backup or a copy does not know who has it already
        return
    # Missed by more than this, a schedule does not fire by itself: yesterday's news at three in the morning.
    missed = set(Issue.objects.due(since=settings.SEND_GRACE).values_list("pk", flat=True))
    started: list[Wake] = []
    for issue in due:
        try:
            if dispatch_id := _start(issue, is_missed=issue.pk in missed):
                started.append((prepare_dispatch, dispatch_id))
        except Exception:  # whatever is wrong with this issue, the next one has readers who wait, too
            logger.exception("Issue %s was due and could not be started.", issue.pk)
    _publish(started)


def _start(issue: Issue, *, is_missed: bool) -> int | None:
    if is_missed:
        _give_back(issue, Alarm.Kind.MISSED)
        return None
    seen = copy(issue)  # starting reads it anew, and somebody may have chosen another time meanwhile
    try:
        return preparation.start(issue, plan=planning.approved(issue)).pk
    except AlreadyDispatched:
        return None
    except CannotStart as problem:
        _give_back(seen, Alarm.Kind.REFUSED, words=str(problem))
        return None


def _give_back(issue: Issue, kind: Alarm.Kind, *, words: str = "") -> None:
    """A draft again, and somebody is told, in one step. Nothing when its schedule is not the one we saw any more."""
    since = issue.scheduled_at
    with transaction.atomic():
        if since and planning.give_back(issue, because=words or _("It missed its time.")):
            alarms.sound(Trouble(kind, issue, since, words=words))


@shared_task(soft_time_limit=540, time_limit=570)  # ten million readers take about a minute
def prepare_dispatch(dispatch_id: int) -> None:
    preparation.prepare(dispatch_id)
    _publish(_senders(dispatch_id))


@shared_task
def send_batches(dispatch_id: int) -> None:
    if submission.send_for(dispatch_id, seconds=STEP):
        _publish([(send_batches, dispatch_id)])


@shared_task
def process_events() -> None:
    """Let what the providers told of our mails take effect."""
    if tracking.process(seconds=STEP):
        _publish([(process_events,)])


@shared_task
def send_proof(proof_id: int) -> None:
    """A test mail."""
    proofing.send(proof_id)


@shared_task
def tell_of_plan(plan_id: int) -> None:
    """Somebody asked for an approval, or gave it, or an approved issue does not go out after all."""
    notices.tell(plan_id)


@shared_task
def sweep() -> None:
    """Find in the database what a lost message, a dead worker or an emptied Redis left undone."""
    _survive(recovery.recover)
    unprepared = _survive(lambda: list(recovery.unprepared())) or []
    unfinished = _survive(lambda: list(recovery.unfinished())) or []
    wakes: list[Wake] = [(prepare_dispatch, dispatch_id) for dispatch_id in unprepared]
    if _survive(tracking.is_waiting):
        wakes.append((process_events,))
    _survive(tracking.forget)
    wakes += [(tell_of_plan, plan_id) for plan_id in _survive(notices.due) or []]
    wakes += [(send_proof, proof_id) for proof_id in _survive(proofing.recover) or []]
    _publish([*wakes, *(wake for dispatch_id in unfinished for wake in _senders(dispatch_id))])


def _survive[T](step: Callable[[], T]) -> T | None:
    """One part of a look that fails must not take the others with it, nor the next look."""
    try:
        return step()
    except Exception:
        logger.exception("A part of the sweep failed; the next one tries again.")
        return None


def wake(dispatch_id: int) -> None:
    """Ask the workers to see to this dispatch now. If the broker cannot be reached, the sweep will."""
    transaction.on_commit(partial(_publish, [(prepare_dispatch, dispatch_id)]))


def wake_tracking() -> None:
    """A provider has told something. The sweep finds it, too."""
    transaction.on_commit(partial(_publish, [(process_events,)]))


def wake_notices(plan_id: int) -> None:
    """Ask a worker to tell whom it concerns. The sweep finds it, too."""
    transaction.on_commit(partial(_publish, [(tell_of_plan, plan_id)]))


def wake_proof(proof_id: int) -> None:
    """Ask a worker to send this test mail now. The sweep finds it, too."""
    transaction.on_commit(partial(_publish, [(send_proof, proof_id)]))


def _senders(dispatch_id: int) -> list[Wake]:
    """As many as the mailer has room for. Each lives on by queueing itself, so those that are not needed expire."""
    return [(send_batches, dispatch_id)] * max(
        0, gateway.concurrency(preparation.MAILER) - recovery.in_hand(dispatch_id)
    )


def _publish(wakes: Iterable[Wake]) -> None:
    """One after the other, until the broker cannot be reached: each further try would only wait for it once more."""
    for task, *ids in wakes:
        try:
            task.apply_async(ids, expires=WAKE_UP_LIFE)
        except OperationalError as error:  # also when it is there and full
            what = f"{OF.get(task.name, 'dispatch')} {ids[0]}" if ids else "what the provider told"
            logger.warning("The broker cannot be reached; the sweep will see to %s. It said: %s", what, error)
            return
