"""What became of a hand-over, written into the ledger. A result belongs to its attempt, however late it comes."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from delivery.exceptions import AccountRefused, CallRefused, Transient
from delivery.models import Attempt, Batch, Delivery, Dispatch
from subscribers.models import Suppression

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.exceptions import SendError
    from delivery.messages import Receipt
    from delivery.models import BatchQuerySet

logger = logging.getLogger(__name__)

State = Delivery.State
FIRST_PAUSE = 2.0  # seconds before a batch is tried again; doubled by each try
LONGEST_PAUSE = 300.0
MOST_TRIES = 12
MOST_DOUBTS = 5
MOST_REFUSALS = 10


def suppressed_in(batch: Batch) -> set[int]:
    """The ids of the batch's deliveries whose address is suppressed now."""
    found = Suppression.objects.filter(address_key=OuterRef("subscription__subscriber__address_key"))
    return set(Delivery.objects.filter(Exists(found), batch=batch).values_list("pk", flat=True))


def skip(reasons: Mapping[int, Delivery.Reason]) -> None:
    for delivery_id, reason in reasons.items():
        Delivery.objects.filter(pk=delivery_id, state=State.PENDING).update(
            state=State.SKIPPED, reason=reason, settled_at=Now()
        )


def record(batch: Batch, attempt: Attempt, receipt: Receipt) -> None:
    """One short transaction: every reader's outcome, and what becomes of the batch and its dispatch."""
    with transaction.atomic():
        _settle(attempt, receipt)
        untouched = Delivery.objects.filter(attempt=attempt, state=State.IN_FLIGHT)
        left = untouched.update(state=State.PENDING, attempt=None)
        _close(attempt, receipt)
        still_ours = Batch.objects.held(batch, state=Batch.State.SUBMITTING)
        if left == 0:
            still_ours.update(state=Batch.State.DONE, lease_until=None)
        elif Dispatch.objects.filter(pk=batch.dispatch_id, state=Dispatch.State.STOPPED).exists():
            skip_waiting(batch.dispatch_id)
            still_ours.update(state=Batch.State.DONE, lease_until=None)
        else:
            _return(batch, still_ours, receipt.stopped_by, left=left)
        if receipt.uncertain:
            _break_circuit(batch.dispatch_id, words=str(receipt.stopped_by))
        if receipt.refused or isinstance(receipt.stopped_by, CallRefused):
            _question_refusals(batch.dispatch_id)


def _settle(attempt: Attempt, receipt: Receipt) -> None:
    # A sweep may have called these uncertain while we were frozen; what we saw with our own eyes is better.
    ours = Delivery.objects.filter(attempt=attempt, state__in=[State.IN_FLIGHT, State.UNCERTAIN])
    accepted = {"state": State.ACCEPTED, "reason": "", "detail": ""}
    for provider_id, ids in _grouped(receipt.accepted).items():
        ours.filter(pk__in=ids).update(**accepted, provider_id=provider_id[:200], settled_at=Now())
    for words, ids in _grouped(receipt.refused).items():
        ours.filter(pk__in=ids).update(
            state=State.FAILED, reason=Delivery.Reason.REFUSED, detail=words, settled_at=Now()
        )
    for words, ids in _grouped(receipt.uncertain).items():
        ours.filter(pk__in=ids).update(
            state=State.UNCERTAIN, reason=Delivery.Reason.NO_ANSWER, detail=words, settled_at=Now()
        )


def _grouped(by_id: Mapping[int, str]) -> dict[str, list[int]]:
    """One UPDATE for all who share an answer: a batch call has one message id for everybody."""
    groups: dict[str, list[int]] = {}
    for delivery_id, words in by_id.items():
        groups.setdefault(words, []).append(delivery_id)
    return groups


def _close(attempt: Attempt, receipt: Receipt) -> None:
    if receipt.uncertain:
        outcome = Attempt.Outcome.UNCERTAIN
    elif receipt.accepted or receipt.refused:
        outcome = Attempt.Outcome.ANSWERED
    else:
        outcome = Attempt.Outcome.NOT_SENT
    Attempt.objects.filter(pk=attempt.pk).update(
        outcome=outcome, detail=str(receipt.stopped_by or ""), ended_at=Now()
    )


def _break_circuit(dispatch_id: int, *, words: str) -> None:
    """A provider that keeps not answering would make every reader uncertain: stop asking, and ask a person."""
    lately = Attempt.objects.filter(
        batch__dispatch_id=dispatch_id,
        outcome=Attempt.Outcome.UNCERTAIN,
        ended_at__gte=Now() - timedelta(minutes=1),
    )
    if lately.count() >= MOST_DOUBTS:
        pause(
            dispatch_id,
            reason=f"The provider took {MOST_DOUBTS} hand-overs within a minute without an answer: {words}",
        )


def _question_refusals(dispatch_id: int) -> None:
    """When the first readers are all refused, it is not them: the sender or the mail itself is at fault."""
    ours = Delivery.objects.filter(dispatch_id=dispatch_id)
    if ours.filter(state=State.ACCEPTED).exists():
        return
    refused = ours.filter(state=State.FAILED)[:MOST_REFUSALS]
    if len(refused) == MOST_REFUSALS:
        pause(
            dispatch_id, reason=f"The provider refused the first {MOST_REFUSALS} readers: {refused[0].detail}"
        )


def skip_waiting(dispatch_id: int) -> None:
    """Nobody who still waits will get a stopped dispatch."""
    Delivery.objects.filter(dispatch_id=dispatch_id, state=State.PENDING).update(
        state=State.SKIPPED, reason=Delivery.Reason.STOPPED, settled_at=Now()
    )


def _return(batch: Batch, rows: BatchQuerySet, error: SendError | None, *, left: int) -> None:
    """Some readers were surely not handed over: put them back, in the way their error asks for."""
    match error:
        case CallRefused() if left == 1:
            _refuse_the_last(batch, str(error))
            rows.update(state=Batch.State.DONE, lease_until=None)
            return
        case CallRefused():
            _halve(batch)
            rows.update(state=Batch.State.READY, lease_until=None, tries=0)
            return
        case AccountRefused():
            pause(batch.dispatch_id, reason=str(error))
        case Transient(retry_after=float() as seconds):
            Dispatch.objects.filter(pk=batch.dispatch_id).update(
                not_before=Now() + timedelta(seconds=seconds)
            )
    if batch.tries >= MOST_TRIES:
        pause(batch.dispatch_id, reason=f"Tried {batch.tries} times: {error}")
    wait = timedelta(seconds=min(FIRST_PAUSE * 2 ** (batch.tries - 1), LONGEST_PAUSE) if error else 0.0)
    rows.update(state=Batch.State.READY, lease_until=None, not_before=Now() + wait)


def _refuse_the_last(batch: Batch, words: str) -> None:
    attempt = batch.attempts.latest("fence")
    Delivery.objects.filter(batch=batch, state=State.PENDING).update(
        state=State.FAILED, reason=Delivery.Reason.REFUSED, detail=words, attempt=attempt, settled_at=Now()
    )


def _halve(batch: Batch) -> None:
    """The provider took nothing because of something in the call: half of it becomes a batch of its own.

    After log2(n) calls the culprit is alone and is refused alone; everybody else has the issue.
    """
    waiting = list(
        Delivery.objects.filter(batch=batch, state=State.PENDING).order_by("pk").values_list("pk", flat=True)
    )
    last = (
        Batch.objects.filter(dispatch_id=batch.dispatch_id)
        .order_by("-number")
        .values_list("number", flat=True)[0]
    )
    other = Batch.objects.create(dispatch_id=batch.dispatch_id, number=last + 1)
    Delivery.objects.filter(pk__in=waiting[len(waiting) // 2 :]).update(batch=other)


def pause(dispatch_id: int, *, reason: str) -> None:
    if Dispatch.objects.move(
        dispatch_id, to=Dispatch.State.PAUSED, allowed=[Dispatch.State.SENDING], reason=reason
    ):
        logger.error("Dispatch %s is paused: %s", dispatch_id, reason)


def finish(dispatch_id: int) -> bool:
    """Close the dispatch when nothing of it is open any more."""
    if Batch.objects.open().filter(dispatch_id=dispatch_id).exists():
        return False
    return Dispatch.objects.move(
        dispatch_id, to=Dispatch.State.SENT, allowed=[Dispatch.State.SENDING], finished_at=Now(), reason=""
    )
