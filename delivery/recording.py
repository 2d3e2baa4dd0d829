"""What became of a hand-over, written into the ledger. A result belongs to its attempt, however late it comes."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Max, Q, Sum
from django.db.models.functions import Now

from delivery.exceptions import AccountRefused, CallRefused, Transient
from delivery.messages import Receipt
from delivery.models import Attempt, Batch, Delivery, Dispatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.exceptions import SendError

logger = logging.getLogger(__name__)

State = Delivery.State
FIRST_PAUSE = 2.0  # seconds before a batch is tried again; doubled by each try
LONGEST_PAUSE = 300.0
MOST_TRIES = 12
MOST_DOUBTS = 5
MOST_REFUSALS = 10


def record(batch: Batch, attempt: Attempt, receipt: Receipt) -> None:
    """One short transaction: every reader's outcome, and what becomes of the batch. Then what it tells of the whole."""
    with transaction.atomic():
        # Rows are taken in the order batch, deliveries, dispatch, here as everywhere, so that nobody waits in a ring.
        rows = Batch.objects.held(batch, state=Batch.State.SUBMITTING)
        is_ours = rows.select_for_update(of=["self"]).first() is not None
        _settle(attempt, receipt)
        if is_ours:
            untouched = Delivery.objects.filter(attempt=attempt, state=State.IN_FLIGHT)
            if left := untouched.update(state=State.PENDING, attempt=None):
                _return(batch, attempt, receipt, left=left)
            else:
                rows.update(state=Batch.State.DONE, lease_until=None)
    _draw_conclusions(batch, receipt)


def hand_back(batch: Batch, error: SendError) -> None:
    """The batch could not even be made ready. Nothing was written down and nothing has left."""
    Batch.objects.held(batch, state=Batch.State.CLAIMED).update(
        state=Batch.State.READY, lease_until=None, not_before=Now() + _backoff(batch.tries)
    )
    _draw_conclusions(batch, Receipt(stopped_by=error))


def _draw_conclusions(batch: Batch, receipt: Receipt) -> None:
    """What one hand-over says about all that are to come. Each is a small statement of its own, without other locks."""
    match receipt.stopped_by:
        case AccountRefused() as error:
            pause(batch.dispatch_id, reason=str(error))
        case Transient(retry_after=float() as seconds):
            later = Now() + timedelta(seconds=seconds)
            earlier = Q(not_before__isnull=True) | Q(not_before__lt=later)
            Dispatch.objects.filter(earlier, pk=batch.dispatch_id).update(not_before=later)
    if receipt.uncertain:
        break_circuit(batch.dispatch_id, words=next(iter(receipt.uncertain.values())))
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
    _close(attempt, receipt)


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
        outcome=outcome,
        detail=str(receipt.stopped_by or ""),
        accepted=len(receipt.accepted),
        refused=len(receipt.refused),
        ended_at=Now(),
    )


def break_circuit(dispatch_id: int, *, words: str) -> None:
    """A provider that keeps not answering would make every reader uncertain: stop asking, and ask a person."""
    lately = Attempt.objects.filter(
        batch__dispatch_id=dispatch_id,
        outcome=Attempt.Outcome.UNCERTAIN,
        ended_at__gte=Now() - timedelta(minutes=1),
    )
    if lately.count() >= MOST_DOUBTS:
        reason = f"{MOST_DOUBTS} hand-overs within a minute had no clear answer: {words}"
        pause(dispatch_id, reason=reason)


def _question_refusals(dispatch_id: int) -> None:
    """Many refusals without one acceptance between them: it is not these readers, it is the sender or the mail."""
    attempts = Attempt.objects.filter(batch__dispatch_id=dispatch_id)
    last_good = attempts.filter(accepted__gt=0).aggregate(at=Max("ended_at"))["at"]
    since = attempts.filter(ended_at__gt=last_good) if last_good else attempts
    refused = since.aggregate(count=Sum("refused"))["count"] or 0
    if refused and refused % MOST_REFUSALS == 0:
        words = since.exclude(detail="").order_by("-ended_at").values_list("detail", flat=True).first() or ""
        pause(dispatch_id, reason=f"The provider refused {refused} readers in a row: {words}")


def _return(batch: Batch, attempt: Attempt, receipt: Receipt, *, left: int) -> None:
    """Some readers were surely not handed over: put them back, in the way their error asks for."""
    rows = Batch.objects.held(batch, state=Batch.State.SUBMITTING)
    has_progress = bool(receipt.accepted or receipt.refused)
    tries = 0 if has_progress else batch.tries
    if isinstance(receipt.stopped_by, CallRefused):
        if left == 1:
            _give_up(batch, attempt, reason=Delivery.Reason.REFUSED, words=str(receipt.stopped_by))
            rows.update(state=Batch.State.DONE, lease_until=None)
        else:
            _halve(batch)
            rows.update(state=Batch.State.READY, lease_until=None, tries=0)
    elif receipt.deferred and not receipt.stopped_by and tries >= MOST_TRIES:
        words = next(iter(receipt.deferred.values()))
        _give_up(batch, attempt, reason=Delivery.Reason.PUT_OFF, words=words)
        rows.update(state=Batch.State.DONE, lease_until=None)
    else:
        if tries >= MOST_TRIES:
            pause(batch.dispatch_id, reason=f"Tried {tries} times: {receipt.stopped_by}")
        is_waiting = receipt.stopped_by or receipt.deferred
        pause_for = _backoff(tries) if is_waiting else timedelta()
        rows.update(state=Batch.State.READY, lease_until=None, tries=tries, not_before=Now() + pause_for)


def _backoff(tries: int) -> timedelta:
    return timedelta(seconds=min(FIRST_PAUSE * 2 ** max(tries - 1, 0), LONGEST_PAUSE))


def _give_up(batch: Batch, attempt: Attempt, *, reason: Delivery.Reason, words: str) -> None:
    failed = Delivery.objects.filter(batch=batch, state=State.PENDING).update(
        state=State.FAILED, reason=reason, detail=words, attempt=attempt, settled_at=Now()
    )
    Attempt.objects.filter(pk=attempt.pk).update(refused=F("refused") + failed)


def _halve(batch: Batch) -> None:
    """The provider took nothing because of something in the call: half of it becomes a batch of its own.

    After log2(n) calls the culprit is alone and is refused alone; everybody else has the issue.
    """
    waiting = list(
        Delivery.objects.filter(batch=batch, state=State.PENDING).order_by("pk").values_list("pk", flat=True)
    )
    Dispatch.objects.select_for_update(of=["self"]).only("pk").get(
        pk=batch.dispatch_id
    )  # numbers are given one by one
    last = Batch.objects.filter(dispatch_id=batch.dispatch_id).aggregate(last=Max("number"))["last"]
    other = Batch.objects.create(dispatch_id=batch.dispatch_id, number=last + 1)
    Delivery.objects.filter(pk__in=waiting[len(waiting) // 2 :]).update(batch=other)


def settle_stopped(dispatch_id: int) -> None:
    """Nobody who still waits will get a stopped dispatch. A batch in a worker's hands is left to its worker; what that
    worker hands back, the next sweep settles."""
    ready = Batch.objects.filter(dispatch_id=dispatch_id, state=Batch.State.READY)
    for batch_id in ready.values_list("pk", flat=True):
        with transaction.atomic():
            if ready.filter(pk=batch_id).update(state=Batch.State.DONE):
                Delivery.objects.filter(batch_id=batch_id, state=State.PENDING).update(
                    state=State.SKIPPED, reason=Delivery.Reason.STOPPED, settled_at=Now()
                )


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
