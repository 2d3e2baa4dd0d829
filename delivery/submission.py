"""Handing over: claim a batch, ask each reader's consent once more, write the attempt down, speak once, record.

Every step can die and be followed by another worker; reliability rests on the order of the steps, not on the queue:
the attempt is committed before the first byte leaves, so a batch found in `submitting` may have gone out, and one
found in `claimed` has not.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import OperationalError, close_old_connections, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from delivery import gateway, recording
from delivery.exceptions import SendError
from delivery.links import unsubscribe_urls
from delivery.messages import IssueMail, Receipt, Recipient
from delivery.models import Attempt, Batch, Delivery, Dispatch
from newsletter.rendering import Stencil
from newsletter.site import mail_domain
from subscribers.models import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

# Longer than any build, and than any hand-over: every provider call has a shorter deadline of its own.
CLAIM_LEASE = timedelta(seconds=90)
SUBMIT_LEASE = timedelta(minutes=3)
# A process frozen for this many seconds between writing down and speaking does not speak: somebody else may have.
LONGEST_FREEZE = 30.0
# Seconds between attempts to record an answer while the database is away; 25 in all.
RECORD_AGAIN_AFTER = (0.1, 0.4, 1.5, 3.0, 5.0, 7.0, 8.0)
# A wake-up stays for work that is due within so many seconds; for later work the sweep wakes another.
PATIENCE = 5.0
# Workers that look for work at the same moment pick among so many batches, so that they rarely meet.
LOOK_AHEAD = 16


@dataclass(frozen=True, slots=True)
class Work:
    """What every batch of one dispatch shares; loaded once per wake-up."""

    dispatch_id: int
    alias: str
    mail: IssueMail
    unsubscribe_url: Callable[[int], str]


def send_for(dispatch_id: int, *, seconds: float) -> bool:
    """Hand over batch after batch for about `seconds`. True when work for this dispatch is left that may go now."""
    deadline = time.monotonic() + seconds
    work = _load(dispatch_id)
    while time.monotonic() < deadline:
        if batch := _claim(work):
            _submit(work, batch)
        elif (pause := _pause(work)) is not None:
            time.sleep(pause)
        else:
            recording.finish(dispatch_id)
            return False
    return Batch.objects.ready(dispatch_id).exists()


def _pause(work: Work) -> float | None:
    """Seconds until a batch may go that only waits for its time, when that is soon enough to stay for it."""
    waiting = Batch.objects.filter(
        dispatch_id=work.dispatch_id, state=Batch.State.READY, dispatch__state=Dispatch.State.SENDING
    )
    next_first = waiting.order_by(F("not_before").asc(nulls_first=True))
    times = next_first.values_list("not_before", "dispatch__not_before").first() or ()
    due = max((moment for moment in times if moment), default=None)
    if due is None or _is_full(work):
        return None
    seconds = max(0.0, (due - timezone.now()).total_seconds())  # it may have passed since we looked for work
    return seconds if seconds <= PATIENCE else None


def _load(dispatch_id: int) -> Work:
    dispatch = Dispatch.objects.select_related("issue__newsletter").get(pk=dispatch_id)
    newsletter = dispatch.issue.newsletter
    host = mail_domain()
    mail = IssueMail(
        subject=dispatch.subject,
        sender=dispatch.sender,
        reply_to=dispatch.reply_to,
        html=Stencil.parse(dispatch.html),
        text=Stencil.parse(dispatch.text),
        headers={
            "List-Id": f"<{newsletter.slug}.{host}>",  # RFC 2919: the same for ever
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058 3.1
            "Auto-Submitted": "auto-generated",  # RFC 3834 5
            "X-Auto-Response-Suppress": "OOF, AutoReply",
            "Feedback-ID": f"{dispatch.issue_id}:{newsletter.slug}:issue:courant",
        },
        message_domain=host,
    )
    return Work(dispatch.pk, dispatch.mailer, mail, unsubscribe_urls(dispatch.pk))


def _claim(work: Work) -> Batch | None:
    """Step 1: take one ready batch, unless enough of this dispatch are in hand already."""
    dispatch_id = work.dispatch_id
    if _is_full(work):
        return None
    ready = list(
        Batch.objects.ready(dispatch_id).order_by("number").values_list("pk", flat=True)[:LOOK_AHEAD]
    )
    random.shuffle(ready)
    for batch_id in ready:
        if Batch.objects.claim(batch_id, lease=CLAIM_LEASE):
            return Batch.objects.get(pk=batch_id)
    return None


def _is_full(work: Work) -> bool:
    """Whether as many batches of this dispatch are in workers' hands as its mailer takes at once."""
    in_hand = Batch.objects.live().filter(dispatch_id=work.dispatch_id).count()
    return in_hand >= gateway.concurrency(work.alias)


def _submit(work: Work, batch: Batch) -> None:
    recipients = _recipients(work, batch)
    if not recipients:
        Batch.objects.held(batch, state=Batch.State.CLAIMED).update(state=Batch.State.DONE, lease_until=None)
        return
    try:
        speak = gateway.ready(work.mail, recipients, alias=work.alias)
    except SendError as error:
        recording.hand_back(batch, error)
        return
    if attempt := _write_ahead(batch, recipients):
        _record(batch, attempt, _spoken(work, speak, written=time.monotonic()))


def _recipients(work: Work, batch: Batch) -> list[Recipient]:
    """Step 2: who of the batch still wants it, at this moment. The others are skipped, each with the reason."""
    rows = (
        Delivery.objects.filter(batch=batch, state=Delivery.State.PENDING)
        .order_by("pk")
        .values_list("pk", "subscription_id", "subscription__status", "subscription__subscriber__email")
    )
    suppressed = set(Delivery.objects.filter(batch=batch).suppressed().values_list("pk", flat=True))
    recipients, skipped = [], {}
    for delivery_id, subscription_id, status, email in rows:
        if reason := _why_not(subscription_id, status, is_suppressed=delivery_id in suppressed):
            skipped[delivery_id] = reason
        else:
            url = work.unsubscribe_url(subscription_id)
            recipients.append(Recipient(delivery_id, email, {"unsubscribe_url": url}))
    for delivery_id, reason in skipped.items():
        Delivery.objects.filter(pk=delivery_id, state=Delivery.State.PENDING).update(
            state=Delivery.State.SKIPPED, reason=reason, settled_at=Now()
        )
    return recipients


def _why_not(
    subscription_id: int | None, status: str | None, *, is_suppressed: bool
) -> Delivery.Reason | None:
    if subscription_id is None:
        return Delivery.Reason.ERASED
    if is_suppressed:
        return Delivery.Reason.SUPPRESSED
    match status:
        case Subscription.Status.ACTIVE:
            return None
        case Subscription.Status.PAUSED:
            return Delivery.Reason.PAUSED
        case _:
            return Delivery.Reason.UNSUBSCRIBED


def _write_ahead(batch: Batch, recipients: list[Recipient]) -> Attempt | None:
    """Step 4: commit what is about to happen, asking the readers once more. None: the batch is not ours any more, the
    dispatch was halted, or somebody has just left; the batch is ready again, then, for whoever it concerns."""
    with transaction.atomic():
        held = Batch.objects.held(batch, state=Batch.State.CLAIMED).filter(
            lease_until__gt=Now(), dispatch__state=Dispatch.State.SENDING
        )
        if held.update(state=Batch.State.SUBMITTING, lease_until=Now() + SUBMIT_LEASE):
            attempt = Attempt.objects.create(batch=batch, fence=batch.fence)
            wanted = Delivery.objects.waiting_and_wanted([recipient.delivery_id for recipient in recipients])
            if wanted.update(state=Delivery.State.IN_FLIGHT, attempt=attempt) == len(recipients):
                return attempt
        transaction.set_rollback(True)
    Batch.objects.held(batch, state=Batch.State.CLAIMED).update(state=Batch.State.READY, lease_until=None)
    return None


def _spoken(work: Work, speak: Callable[[], Receipt], *, written: float) -> Receipt:
    """Step 5: one hand-over."""
    if time.monotonic() - written > LONGEST_FREEZE:
        logger.warning("Dispatch %s: frozen before a hand-over; it did not take place.", work.dispatch_id)
        return Receipt()
    return speak()


def _record(batch: Batch, attempt: Attempt, receipt: Receipt) -> None:
    """Step 6. The answer is all we have: a database that is away for a moment must not make us forget it."""
    for pause in (*RECORD_AGAIN_AFTER, None):
        try:
            recording.record(batch, attempt, receipt)
        except OperationalError:
            if pause is None:
                raise
            logger.warning("Dispatch %s: the answer could not be recorded; trying again.", batch.dispatch_id)
            close_old_connections()
            time.sleep(pause)
        else:
            return
