"""What is handed over, and to whom: the mail of a dispatch, and who of a batch still wants it. Steps: submission.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models.functions import Now

from delivery import circuit, freezing, links, personal, throttle
from delivery.messages import IssueMail, Recipient
from delivery.models import Delivery, Dispatch
from newsletter.site import mail_domain
from subscribers.models import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from delivery.models import Batch


@dataclass(frozen=True, slots=True)
class Work:
    """What every batch of one dispatch shares; loaded once per wake-up."""

    dispatch_id: int
    mailer: str  # by which it goes, unless that one does not work
    domain: str  # of the sender, while it is being warmed up
    mail: IssueMail
    links: Mapping[str, Callable[[int], str]]  # makers, by slot
    merges: Mapping[str, Sequence[str]]
    dates: personal.Dates
    way: circuit.Way


def load(dispatch_id: int) -> Work:
    dispatch = Dispatch.objects.select_related("issue__newsletter").get(pk=dispatch_id)
    mail = IssueMail(
        subject=dispatch.subject,
        sender=dispatch.sender,
        reply_to=dispatch.reply_to,
        html=freezing.stencil(dispatch.html, merges=dispatch.merges),
        text=freezing.stencil(dispatch.text, merges=dispatch.merges),
        headers=freezing.headers(dispatch.issue),
        message_domain=mail_domain(),
    )
    domain = dispatch.sender.rpartition("@")[2].rstrip(">").lower()
    return Work(
        dispatch.pk,
        dispatch.mailer,
        domain if throttle.is_warming_up(domain) else "",
        mail,
        links.makers(dispatch.pk, slots={*mail.html.slots, *mail.text.slots}),
        dispatch.merges,
        personal.dates(dispatch.issue.newsletter) if dispatch.merges else personal.NO_DATES,
        circuit.Way(dispatch.mailer),
    )


def recipients(work: Work, batch: Batch) -> list[Recipient]:
    """Step 2: who of the batch still wants it, at this moment. The others are skipped, each with the reason."""
    rows = Delivery.objects.waiting_in(batch, with_facts=bool(work.merges))
    found, skipped = [], {}
    for delivery_id, subscription_id, status, email, is_suppressed, *known in rows:
        if reason := _why_not(subscription_id, status, is_suppressed=is_suppressed):
            skipped[delivery_id] = reason
        else:
            values = {name: make(subscription_id) for name, make in work.links.items()}
            if work.merges:
                facts = personal.known(*known, dates=work.dates)
                values = personal.values(work.merges, facts, values)
            found.append(Recipient(delivery_id, email, values))
    for delivery_id, reason in skipped.items():
        Delivery.objects.filter(pk=delivery_id, state=Delivery.State.PENDING).update(
            state=Delivery.State.SKIPPED, reason=reason, settled_at=Now()
        )
    return found


def _why_not(
    subscription_id: int | None, status: str | None, *, is_suppressed: bool
) -> Delivery.Reason | None:
    if subscription_id is None or status is None:
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
