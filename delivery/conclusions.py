"""What one hand-over says about all that are to come: the mailer, the sender, the mail itself."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Max, Sum
from django.db.models.functions import Now

from delivery import circuit
from delivery.exceptions import AccountRefused, CallRefused, Transient
from delivery.models import Attempt

if TYPE_CHECKING:
    from delivery.exceptions import SendError
    from delivery.messages import Receipt
    from delivery.models import Batch

logger = logging.getLogger(__name__)

MOST_TRIES = 12
TRIES_BEFORE_FAILOVER = 3
MOST_DOUBTS = 5
REST_AFTER_DOUBTS = 30.0  # seconds in which a provider with keys is left alone
MOST_REFUSALS = 10


def draw(batch: Batch, receipt: Receipt, attempt: Attempt | None = None) -> None:
    """Each is a small statement of its own, without other locks."""
    if receipt.stopped_by:
        logger.warning("Dispatch %s: a hand-over stopped: %s", batch.dispatch_id, receipt.stopped_by)
    match receipt.stopped_by:
        case AccountRefused() as error:
            circuit.give_way(batch.dispatch_id, batch.mailer, reason=str(error))
        case Transient(retry_after=float() as seconds) as error:
            circuit.hold_back_for(batch.mailer, seconds=seconds, words=str(error))
    if receipt.uncertain:
        break_circuit(batch, words=next(iter(receipt.uncertain.values())))
    if receipt.refused or isinstance(receipt.stopped_by, CallRefused):
        _question_refusals(batch, newly=max(1, len(receipt.refused)))
    if attempt and receipt.accepted and circuit.has_second():
        circuit.works(attempt)


def tire(batch: Batch, error: SendError, *, tries: int) -> None:
    """Tried so often, another mailer takes over, or a person. With a second one the first is not waited for so long."""
    if tries >= (TRIES_BEFORE_FAILOVER if circuit.has_second() else MOST_TRIES):
        circuit.give_way(batch.dispatch_id, batch.mailer, reason=f"Tried {tries} times: {error}")


def break_circuit(batch: Batch, *, words: str) -> None:
    """A provider that keeps not answering would make every reader uncertain: stop asking, and ask a person.

    One that knows calls by their keys makes nobody uncertain; it is left alone for a while, and then asked again.
    """
    recent = Attempt.objects.filter(mailer=batch.mailer, started_at__gte=Now() - timedelta(minutes=15))
    doubts = recent.filter(outcome=Attempt.Outcome.UNCERTAIN)
    last = list(
        recent.exclude(outcome=Attempt.Outcome.OPEN)
        .order_by("-ended_at")
        .values_list("outcome", flat=True)[:MOST_DOUBTS]
    )
    are_many = doubts.filter(ended_at__gte=Now() - timedelta(minutes=1)).count() >= MOST_DOUBTS
    if not are_many and last != [Attempt.Outcome.UNCERTAIN] * MOST_DOUBTS:
        return
    reason = f"{MOST_DOUBTS} hand-overs had no clear answer: {words}"
    if doubts.exclude(key="").exists() and not circuit.has_second():
        circuit.hold_back_for(batch.mailer, seconds=REST_AFTER_DOUBTS, words=reason)
    else:
        circuit.give_way(batch.dispatch_id, batch.mailer, reason=reason)


def _question_refusals(batch: Batch, *, newly: int) -> None:
    """Many refusals without one acceptance between them: it is not these readers, it is the sender or the mail.

    Asked again at each further ten, so that who goes on all the same is not stopped by every single one.
    """
    attempts = Attempt.objects.filter(
        mailer=batch.mailer, started_at__gte=Now() - timedelta(hours=1), batch__dispatch_id=batch.dispatch_id
    )
    last_good = attempts.filter(accepted__gt=0).aggregate(at=Max("ended_at"))["at"]
    since = attempts.filter(ended_at__gt=last_good) if last_good else attempts
    refused = since.aggregate(count=Sum("refused"))["count"] or 0
    if refused // MOST_REFUSALS > max(0, refused - newly) // MOST_REFUSALS:
        words = since.exclude(detail="").order_by("-ended_at").values_list("detail", flat=True).first() or ""
        circuit.pause(batch.dispatch_id, reason=f"The provider refused {refused} readers in a row: {words}")
