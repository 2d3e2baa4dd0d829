"""What became of a hand-over, written into the ledger. A result belongs to its attempt, however late it comes."""

from __future__ import annotations

import logging
from datetime import timedelta
from email.utils import parseaddr
from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from delivery import conclusions, veiling
from delivery.exceptions import CallRefused, Transient
from delivery.messages import Receipt
from delivery.models import Attempt, Batch, Delivery, Dispatch

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from delivery.exceptions import SendError

logger = logging.getLogger(__name__)

State = Delivery.State
FIRST_PAUSE = 2.0  # seconds before a batch is tried again; doubled by each try
LONGEST_PAUSE = 300.0
ASK_AGAIN_AFTER = timedelta(seconds=5)  # a call in doubt; the provider may still be at the first one


def record(batch: Batch, attempt: Attempt, receipt: Receipt, *, leaves_some: bool = False) -> None:
    """One short transaction: every reader's outcome, and what becomes of the batch. Then what it tells of the whole.

    With `leaves_some`, readers of the batch were left out of this attempt and still wait.
    """
    receipt = veiling.storable(receipt, sender=partial(_sender, batch))
    with transaction.atomic():
        # Rows are taken in the order batch, deliveries, dispatch, here as everywhere, so that nobody waits in a ring.
        rows = Batch.objects.held(batch, state=Batch.State.SUBMITTING)
        if not leaves_some and receipt.settled == attempt.readers and not (attempt.key and receipt.uncertain):
            if rows.update(state=Batch.State.DONE, lease_until=None, pinned_to=""):
                _settle(attempt, receipt)
            else:
                _settle_late(attempt, receipt)
        else:
            if rows.select_for_update(of=["self"]).first() is None:
                _settle_late(attempt, receipt)
            elif _can_be_asked_again(attempt, receipt):
                _settle(attempt, receipt, keeps_doubts=True)
                _pin(batch, attempt)
            else:
                _settle(attempt, receipt)
                _return(batch, attempt, receipt)
    conclusions.draw(batch, receipt, attempt)


def _sender(batch: Batch) -> str:
    return parseaddr(Dispatch.objects.values_list("sender", flat=True).get(pk=batch.dispatch_id))[1]


def hand_back(batch: Batch, error: SendError) -> None:
    """The batch could not even be made ready. Nothing was written down and nothing has left."""
    Batch.objects.held(batch, state=Batch.State.CLAIMED).update(
        state=Batch.State.READY, lease_until=None, not_before=Now() + _backoff(batch.tries)
    )
    receipt = veiling.storable(Receipt(stopped_by=error), sender=partial(_sender, batch))
    conclusions.draw(batch, receipt)
    if isinstance(error, Transient):
        conclusions.tire(batch, error, tries=batch.tries)


def release(batch: Batch, *, seconds: float = 0.0) -> None:
    """Nothing is wrong with the batch; it only does not go now."""
    Batch.objects.held(batch, state=Batch.State.CLAIMED).update(
        state=Batch.State.READY,
        lease_until=None,
        tries=batch.tries - 1,
        not_before=Now() + timedelta(seconds=seconds) if seconds else None,
    )


def _can_be_asked_again(attempt: Attempt, receipt: Receipt) -> bool:
    """Whether the provider can clear the doubt, for it knows the call by its key.

    A call that was repeated is in doubt until it has an answer. A refusal is one: had the first call been taken, the
    key would have brought back that answer.
    """
    if not attempt.key:
        return False
    has_answer = receipt.accepted or receipt.refused or isinstance(receipt.stopped_by, CallRefused)
    return bool(receipt.uncertain) or (attempt.repeats > 0 and not has_answer)


def _pin(batch: Batch, attempt: Attempt) -> None:
    """Its readers stay in flight until the same mailer has been asked again, with the same key."""
    Batch.objects.held(batch, state=Batch.State.SUBMITTING).update(
        state=Batch.State.READY,
        lease_until=None,
        pinned_to=attempt.mailer,
        not_before=Now() + max(ASK_AGAIN_AFTER, _backoff(attempt.repeats)),
    )


def _settle(attempt: Attempt, receipt: Receipt, *, keeps_doubts: bool = False) -> None:
    # A sweep may have called these uncertain while we were frozen; what we saw with our own eyes is better.
    ours = Delivery.objects.of(attempt).filter(state__in=[State.IN_FLIGHT, State.UNCERTAIN])
    everybody = receipt.settled == attempt.readers
    for words, ids in _grouped(receipt.refused).items():
        ours.filter(pk__in=ids).update(
            state=State.FAILED, reason=Delivery.Reason.REFUSED, detail=words, settled_at=Now()
        )
    if not keeps_doubts:
        for words, ids in _grouped(receipt.uncertain).items():
            ours.filter(pk__in=ids).update(
                state=State.UNCERTAIN, reason=Delivery.Reason.NO_ANSWER, detail=words, settled_at=Now()
            )
    if receipt.accepted:
        ours.accept(receipt.accepted, attempt=attempt, is_everybody=everybody)
    _close(attempt, receipt, keeps_doubts=keeps_doubts)


def _settle_late(attempt: Attempt, receipt: Receipt) -> None:
    """The sweep, or another worker, has taken the batch over meanwhile: what we saw with our own eyes still counts, and
    what we did not see changes nothing, for whoever has it now may know better."""
    seen = Receipt(accepted=receipt.accepted, refused=receipt.refused)
    unclear = [Attempt.Outcome.OPEN, Attempt.Outcome.UNCERTAIN]
    if seen.settled and Attempt.objects.filter(pk=attempt.pk, outcome__in=unclear).exists():
        _settle(attempt, seen, keeps_doubts=seen.settled < attempt.readers)


def _grouped(by_id: Mapping[int, str]) -> dict[str, list[int]]:
    """One UPDATE for all who share an answer: a batch call has one message id for everybody."""
    groups: dict[str, list[int]] = {}
    for delivery_id, words in by_id.items():
        groups.setdefault(words, []).append(delivery_id)
    return groups


def _close(attempt: Attempt, receipt: Receipt, *, keeps_doubts: bool) -> None:
    if receipt.uncertain or keeps_doubts:
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
        readers=attempt.readers if keeps_doubts else receipt.settled,
        ended_at=Now(),
        **({} if keeps_doubts else {"recipients": None}),
    )


def _return(batch: Batch, attempt: Attempt, receipt: Receipt) -> None:
    """Some readers were surely not handed over: put them back, in the way their error asks for."""
    Delivery.objects.of(attempt).filter(state=State.IN_FLIGHT).update(state=State.PENDING, attempt=None)
    # They have used up no allowance: whoever waits for one looks again.
    waiting = Dispatch.objects.filter(
        pk=batch.dispatch_id, state=Dispatch.State.SENDING, not_before__isnull=False
    )
    waiting.update(not_before=None, reason="")
    rows = Batch.objects.held(batch, state=Batch.State.SUBMITTING)
    left = Delivery.objects.filter(batch=batch, state=State.PENDING).count()
    has_progress = bool(receipt.accepted or receipt.refused)
    tries = 0 if has_progress else batch.tries
    done = {"state": Batch.State.DONE, "lease_until": None, "pinned_to": ""}
    ready = {"state": Batch.State.READY, "lease_until": None, "pinned_to": ""}
    if not left:
        rows.update(**done)
    elif isinstance(receipt.stopped_by, CallRefused):
        if left == 1:
            _give_up(batch, attempt, reason=Delivery.Reason.REFUSED, words=str(receipt.stopped_by))
            rows.update(**done)
        else:
            _halve(batch)
            rows.update(**ready, tries=0)
    elif receipt.deferred and not receipt.stopped_by and tries >= conclusions.MOST_TRIES:
        words = next(iter(receipt.deferred.values()))
        gone = _give_up(batch, attempt, reason=Delivery.Reason.PUT_OFF, words=words, only=receipt.deferred)
        rows.update(**(done if gone == left else ready | {"tries": 0}))
    else:
        if receipt.stopped_by:
            conclusions.tire(batch, receipt.stopped_by, tries=tries)
        is_waiting = receipt.stopped_by or receipt.deferred
        pause_for = _backoff(tries) if is_waiting else timedelta()
        rows.update(**ready, tries=tries, not_before=Now() + pause_for)


def _backoff(tries: int) -> timedelta:
    return timedelta(seconds=min(FIRST_PAUSE * 2 ** max(tries - 1, 0), LONGEST_PAUSE))


def _give_up(
    batch: Batch,
    attempt: Attempt,
    *,
    reason: Delivery.Reason,
    words: str,
    only: Collection[int] | None = None,
) -> int:
    """Whoever waits in the batch, or only some of them, has failed. Returns how many."""
    waiting = Delivery.objects.filter(batch=batch, state=State.PENDING)
    if only is not None:
        waiting = waiting.filter(pk__in=list(only))
    failed = waiting.update(
        state=State.FAILED, reason=reason, detail=words, attempt=attempt, settled_at=Now()
    )
    Attempt.objects.filter(pk=attempt.pk).update(refused=F("refused") + failed)
    return failed


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


def leave_in_doubt(batch: Batch, *, reason: Delivery.Reason, words: str) -> int:
    """Nobody can say what became of whoever is in flight; they are uncertain. Whoever was left out still waits.

    Call in a transaction that holds the batch. Returns how many are uncertain.
    """
    inside = Delivery.objects.filter(batch=batch)
    doubtful = inside.filter(state=State.IN_FLIGHT).update(
        state=State.UNCERTAIN, reason=reason, detail=words, settled_at=Now()
    )
    state = Batch.State.READY if inside.filter(state=State.PENDING).exists() else Batch.State.DONE
    Batch.objects.filter(pk=batch.pk).update(state=state, lease_until=None, pinned_to="")
    attempts = Attempt.objects.filter(batch=batch)
    attempts.filter(outcome=Attempt.Outcome.OPEN).update(
        outcome=Attempt.Outcome.UNCERTAIN, detail=words, ended_at=Now()
    )
    attempts.filter(recipients__isnull=False).update(recipients=None)
    return doubtful


def settle_stopped(dispatch_id: int, *, most: int | None = None) -> None:
    """Nobody who still waits will get a stopped dispatch. A batch in a worker's hands is left to its worker; what that
    worker hands back, the next sweep settles."""
    ready = Batch.objects.filter(dispatch_id=dispatch_id, state=Batch.State.READY)
    for batch_id in ready.values_list("pk", flat=True)[:most]:
        with transaction.atomic():
            if ready.filter(pk=batch_id).unlocked().update(state=Batch.State.DONE, pinned_to=""):
                inside = Delivery.objects.filter(batch_id=batch_id)
                inside.filter(state=State.PENDING).update(
                    state=State.SKIPPED, reason=Delivery.Reason.STOPPED, settled_at=Now()
                )
                inside.filter(state=State.IN_FLIGHT).update(  # nobody will ask about them any more
                    state=State.UNCERTAIN, reason=Delivery.Reason.NO_ANSWER, settled_at=Now()
                )
                Attempt.objects.filter(batch_id=batch_id).update(recipients=None)


def finish(dispatch_id: int) -> bool:
    """Close the dispatch when nothing of it is open any more."""
    open_batches = Batch.objects.open().filter(dispatch_id=dispatch_id)
    if open_batches.exists():
        return False
    with transaction.atomic():  # whoever adds batches holds the dispatch's row meanwhile
        Dispatch.objects.select_for_update(of=["self"]).only("pk").filter(pk=dispatch_id).first()
        has_ended = not open_batches.exists() and Dispatch.objects.move(
            dispatch_id,
            to=Dispatch.State.SENT,
            allowed=[Dispatch.State.SENDING],
            finished_at=Now(),
            reason="",
        )
    if has_ended:
        logger.info("Dispatch %s has gone out.", dispatch_id)
    return has_ended
