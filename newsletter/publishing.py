"""Facts about content: when an issue is due, and that it is out. Nothing here knows of mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from newsletter.models import Issue

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.models import IssueQuerySet

Status = Issue.Status


def schedule(issue: Issue, *, at: datetime) -> bool:
    """Make a draft due at `at` (aware). False when it is no draft any more."""
    drafts = Issue.objects.filter(pk=issue.pk, status=Status.DRAFT)
    return _move(issue, drafts, status=Status.SCHEDULED, scheduled_at=at)


def unschedule(issue: Issue) -> bool:
    """Back to draft. False when the schedule that was seen is not there any more, or has just started."""
    return _move(issue, _as_seen(issue), status=Status.DRAFT, scheduled_at=None)


def call_back(issue: Issue) -> bool:
    """Back to draft, for whatever time it was scheduled. False when it was not, or has just started."""
    scheduled = Issue.objects.filter(pk=issue.pk, status=Status.SCHEDULED)
    return _move(issue, scheduled, status=Status.DRAFT, scheduled_at=None)


def publish(issue: Issue, *, at: datetime | None = None) -> bool:
    """Put the issue's page on the site: a draft or a scheduled issue becomes sent.

    False when it was out already, or when it was seen as scheduled and somebody has cancelled or moved that since.
    """
    waiting = Issue.objects.filter(pk=issue.pk, status__in=[Status.DRAFT, Status.SCHEDULED])
    as_seen = _as_seen(issue) if issue.status == Status.SCHEDULED else waiting
    return _move(issue, as_seen, status=Status.SENT, published_at=at or timezone.now())


def _as_seen(issue: Issue) -> IssueQuerySet:
    return Issue.objects.filter(pk=issue.pk, status=Status.SCHEDULED, scheduled_at=issue.scheduled_at)


def _move(issue: Issue, rows: IssueQuerySet, **changes: object) -> bool:
    changed = rows.update(**changes)
    issue.refresh_from_db()
    return changed == 1
