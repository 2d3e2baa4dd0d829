"""Before the first mail leaves: freeze what goes out and to whom, or leave everything as it was."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from delivery import audience, circuit, freezing, gateway, preflight, throttle
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Batch, Delivery, Dispatch
from newsletter import faces, publishing
from newsletter.models import Issue
from subscribers import resting

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from delivery.models import Plan

logger = logging.getLogger(__name__)

MAILER = "bulk"


def start(issue: Issue, *, plan: Plan | None = None, started_by: User | None = None) -> Dispatch:
    """Begin to send an issue: publish its page, freeze its mail. A worker does the rest.

    With its plan, only if that is still open, and the text what was approved. Raises AlreadyDispatched on the second
    call, from wherever it comes, and CannotStart with what to mend.
    """
    if earlier := issue.dispatches.first():
        raise AlreadyDispatched(earlier.pk)
    if plan is None and issue.newsletter.needs_second_person:
        raise CannotStart(_("A second person has to approve it first."))
    if in_the_way := preflight.report(issue).in_the_way:
        raise CannotStart(" ".join(finding.text for finding in in_the_way))
    try:
        with transaction.atomic():
            if not publishing.publish(issue):
                raise _too_late(issue)
            _carry_out(issue, plan)
            return frozen(issue, started_by=started_by or (plan.approved_by if plan else None))
    except IntegrityError:  # another click was first, between our look and our write
        raise _too_late(issue) from None


def _carry_out(issue: Issue, plan: Plan | None) -> None:
    """The issue's row is ours now and was read anew: what is compared here is what is frozen next."""
    plans = issue.plans.open()
    if plan is None:
        plans.end(because=_("It began without it."))
    elif not plans.filter(pk=plan.pk, approved_at__isnull=False, content_hash=faces.fingerprint(issue)).end(
        because=_("It began at its time.")
    ):
        raise CannotStart(_("It is not what was approved any more. Look at it, and schedule it once more."))


def _too_late(issue: Issue) -> CannotStart:
    if dispatch := issue.dispatches.first():
        return AlreadyDispatched(dispatch.pk)
    return CannotStart(_("This issue is no longer a draft."))


def frozen(issue: Issue, *, started_by: User | None, note: str = "", **how: Any) -> Dispatch:
    """The copy that goes out, before its audience. `how`: what is not as it is for everyone (delivery.following)."""
    return Dispatch.objects.create(
        issue=issue,
        note=note,
        mailer=MAILER,
        batch_size=_batch_size(),
        started_by=started_by,
        started_at=timezone.now(),
        **asdict(freezing.frozen(issue, note=note)) | how,
    )


def _batch_size() -> int:
    """What each mailer that may carry it takes in one go, and no more than it takes in one second."""
    sizes = [gateway.batch_size(alias) for alias in circuit.mailers(MAILER)]
    rates = [throttle.per_second(alias) for alias in circuit.mailers(MAILER)]
    return max(1, min([*sizes, *(int(rate) for rate in rates if rate)]))


def prepare(dispatch_id: int) -> bool:
    """Freeze the audience and cut the batches, in one transaction: killed half-way, nothing has happened.

    False when it was done before. Everyone who is an active reader now is in, whose pause is over as well; who joins
    later is not.
    """
    waiting = Dispatch.objects.filter(pk=dispatch_id, state=Dispatch.State.PREPARING)
    for newsletter_id in waiting.values_list("issue__newsletter", flat=True):
        resting.resume_due(now=timezone.now(), newsletter_id=newsletter_id)
    with transaction.atomic():
        whole = waiting.select_related("issue__newsletter", "after")
        dispatch = whole.select_for_update(of=["self"], skip_locked=True).first()
        if dispatch is None:  # done, or another worker is at it
            return False
        numbers = range(1, -(-audience.most(dispatch) // dispatch.batch_size) + 1)
        Batch.objects.cut(dispatch, numbers, cause=Batch.Cause.AUDIENCE)
        size = audience.freeze(dispatch)
        mailable = _placed(dispatch)
        if (
            dispatch.not_before
        ):  # until then it can be taken back; each batch knows, whatever else is waited for
            Batch.objects.filter(dispatch=dispatch).update(not_before=dispatch.not_before)
        logger.info("Dispatch %s: %s readers in %s batches.", dispatch.pk, size, len(numbers))
        return Dispatch.objects.move(
            dispatch.pk,
            to=Dispatch.State.SENDING,
            allowed=[Dispatch.State.PREPARING],
            audience_size=size,
            mailable=mailable,
        )


def _placed(dispatch: Dispatch) -> int:
    """How many wait for it, each in a batch. Raises AudienceMoved."""
    waiting = Delivery.objects.filter(dispatch=dispatch, state=Delivery.State.PENDING)
    found = waiting.aggregate(everybody=Count("pk"), placed=Count("batch"))
    if found["placed"] < found["everybody"]:
        raise AudienceMoved(dispatch.pk)
    return int(found["placed"])


class AudienceMoved(Exception):
    """Readers joined between counting and freezing. Nothing was written; the next sweep prepares again."""
