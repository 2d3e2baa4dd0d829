"""What a command plans: asked for and approved by nobody but itself, where no second person is needed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from delivery import audience, planning, preflight
from delivery.exceptions import AlreadyDispatched, CannotStart
from newsletter import faces
from newsletter.models import Issue
from subscribers import counting

if TYPE_CHECKING:
    from datetime import datetime

    from delivery.models import Plan


ALONE = _(
    "A second person has to approve it, and a command is nobody. Ask for the approval on its page, under Send; "
    "it goes out by itself at its time."
)


def ask(issue: Issue, *, at: datetime | None) -> Plan:
    """For this time, or now; in place of what was planned. Raises planning.Refused, and AlreadyDispatched."""
    if issue.newsletter.needs_second_person:
        raise planning.Refused(ALONE)
    readership = counting.readership(issue.newsletter)
    seen = planning.Seen(
        content_hash=faces.fingerprint(issue),
        at=at,
        readers=audience.outlook(issue, at=at or timezone.now(), readership=readership).readers,
        plan_id=issue.plans.open().values_list("pk", flat=True).first(),
    )
    return planning.ask(issue, seen=seen, by=None, undo=timedelta())


def due_plan(issue: Issue) -> Plan:
    """What a second person has approved, if its time has come. Raises CannotStart."""
    if earlier := issue.dispatches.first():
        raise AlreadyDispatched(earlier.pk)
    if issue.status != Issue.Status.SCHEDULED or issue.scheduled_at is None:
        raise CannotStart(ALONE)
    if issue.scheduled_at > timezone.now():
        raise CannotStart(_("It is approved for a time that has not come yet, and goes out by itself then."))
    return planning.approved(issue)


def warnings(issue: Issue) -> list[str]:
    """What the desk would ask somebody to accept."""
    return [finding.words for finding in preflight.report(issue).open]
