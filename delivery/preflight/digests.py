"""Whether a weekly digest that was not sent in time is still news to its readers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from delivery.models import Digest, Dispatch
from newsletter.models import Issue
from newsletter.preflight import Finding, Level, mark

if TYPE_CHECKING:
    from datetime import datetime


def findings(issue: Issue) -> list[Finding]:
    if (
        issue.kind != Issue.Kind.DIGEST or issue.dispatches.exists()
    ):  # its rest, or a correction, is for its own readers
        return []
    later = _told_since(issue)
    if later is None:
        return []
    words = _(
        "The digest of %(day)s has told of these issues since: its readers would get the same news twice. Delete this"
        " one, unless that is what you want."
    )
    text = words % {"day": _day(later.at, zone=issue.newsletter.time_zone)}
    return [Finding("told_twice", Level.WARNING, text, mark=mark(later.pk))]


def _told_since(issue: Issue) -> Digest | None:
    """The last one that went out after this one's time, and tells of what this one tells."""
    own = Digest.objects.filter(issue=issue).first()
    if own is None:
        return None
    went_out = Digest.objects.filter(issue__dispatches__audience=Dispatch.Audience.EVERYONE)
    others = went_out.filter(newsletter=own.newsletter_id, at__gt=own.at, since__lt=own.at)
    return others.order_by("at").last()


def _day(moment: datetime, *, zone: str) -> str:
    return date_format(moment.astimezone(ZoneInfo(zone)), "j F")
