"""Before the first mail leaves: freeze what goes out and to whom, or leave everything as it was."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from delivery import audience, circuit, epoch, gateway, throttle
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Batch, Delivery, Dispatch
from newsletter import faces, publishing, rendering
from newsletter.locale import spoken_by
from newsletter.models import Issue
from subscribers.models import Subscription

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

MAILER = "bulk"


def start(issue: Issue, *, started_by: User | None = None, approved: str | None = None) -> Dispatch:
    """Begin to send a draft or scheduled issue: publish its page, freeze its mail. A worker does the rest.

    With `approved`, only if that is still the issue's fingerprint. Raises AlreadyDispatched on the second call, from
    wherever it comes, and CannotStart with what to mend.
    """
    if earlier := issue.dispatches.first():
        raise AlreadyDispatched(earlier.pk)
    if approved not in {None, faces.fingerprint(issue)}:
        raise CannotStart(_("The issue has been changed since this page was opened. Look at it once more."))
    if problems := [check.text for check in checks(issue) if check.level == "blocker"]:
        raise CannotStart(" ".join(problems))
    try:
        with transaction.atomic():
            if not publishing.publish(issue):
                raise _too_late(issue)
            return _frozen(issue, started_by=started_by)
    except IntegrityError:  # another click was first, between our look and our write
        raise _too_late(issue) from None


def _too_late(issue: Issue) -> CannotStart:
    if dispatch := issue.dispatches.first():
        return AlreadyDispatched(dispatch.pk)
    return CannotStart(_("This issue is no longer a draft."))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at before sending, in words for the editor; `level` is "ok" or "blocker"."""

    level: str
    text: str


def checks(issue: Issue) -> list[Check]:
    """Everything that could stand in the way, and whether it does."""
    newsletter = issue.newsletter
    has_readers = Subscription.objects.mailable(newsletter).exists()
    found = [
        (issue.subject.strip(), _("It has a subject."), _("The issue has no subject.")),
        (issue.body.strip(), _("There is something to read."), _("The issue is empty.")),
        (
            newsletter.postal_address.strip(),
            _("Every mail has a way out and your postal address."),
            _("The newsletter has no postal address, which the law asks for."),
        ),
        (has_readers, _("It has readers."), _("The newsletter has no confirmed readers yet.")),
    ]
    if frozen := epoch.frozen():
        found.append((False, "", frozen))
    return [Check("ok", fine) if is_fine else Check("blocker", problem) for is_fine, fine, problem in found]


def _frozen(issue: Issue, *, started_by: User | None) -> Dispatch:
    newsletter = issue.newsletter
    edition, masthead = faces.edition(issue), faces.masthead(newsletter)
    with spoken_by(newsletter):
        html, text = rendering.mail_html(edition, masthead), rendering.mail_text(edition, masthead)
    rendering.Stencil.parse(html), rendering.Stencil.parse(text)  # raises before anything is written
    return Dispatch.objects.create(
        issue=issue,
        mailer=MAILER,
        batch_size=_batch_size(),
        subject=issue.subject,
        sender=newsletter.sender,
        reply_to=newsletter.reply_to,
        html=html,
        text=text,
        content_hash=faces.fingerprint(issue),
        started_by=started_by,
        started_at=timezone.now(),
    )


def _batch_size() -> int:
    """What each mailer that may carry it takes in one go, and no more than it takes in one second."""
    sizes = [gateway.batch_size(alias) for alias in circuit.mailers(MAILER)]
    rates = [throttle.per_second(alias) for alias in circuit.mailers(MAILER)]
    return max(1, min([*sizes, *(int(rate) for rate in rates if rate)]))


def prepare(dispatch_id: int) -> bool:
    """Freeze the audience and cut the batches, in one transaction: killed half-way, nothing has happened.

    False when it was done before. Everyone who is an active reader now is in; who joins later is not.
    """
    with transaction.atomic():
        waiting = Dispatch.objects.filter(pk=dispatch_id, state=Dispatch.State.PREPARING).select_related(
            "issue"
        )
        dispatch = waiting.select_for_update(of=["self"], skip_locked=True).first()
        if dispatch is None:  # done, or another worker is at it
            return False
        readers = Subscription.objects.mailable(dispatch.issue.newsletter).count()
        numbers = range(1, -(-readers // dispatch.batch_size) + 1)
        Batch.objects.cut(dispatch, numbers, cause=Batch.Cause.AUDIENCE)
        size = audience.freeze(dispatch)
        if Delivery.objects.filter(dispatch=dispatch, state=Delivery.State.PENDING, batch=None).exists():
            raise AudienceMoved(dispatch_id)
        logger.info("Dispatch %s: %s readers in %s batches.", dispatch.pk, size, len(numbers))
        return Dispatch.objects.move(
            dispatch.pk, to=Dispatch.State.SENDING, allowed=[Dispatch.State.PREPARING], audience_size=size
        )


class AudienceMoved(Exception):
    """Readers joined between counting and freezing. Nothing was written; the next sweep prepares again."""
