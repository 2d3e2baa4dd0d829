"""Facts about content: when an issue is due, and that it is out. Nothing here knows of mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from newsletter.models import Issue

if TYPE_CHECKING:
    from datetime import datetime

Status = Issue.Status


def schedule(issue: Issue, *, at: datetime) -> bool:
    """Make a draft due at `at` (aware). False when it is no draft any more."""
    return _move(issue, from_status=Status.DRAFT, status=Status.SCHEDULED, scheduled_at=at)


def unschedule(issue: Issue) -> bool:
    """Back to draft. False when it was not scheduled, or has just started."""
    return _move(issue, from_status=Status.SCHEDULED, status=Status.DRAFT, scheduled_at=None)


def publish(issue: Issue, *, at: datetime | None = None) -> bool:
    """Put the issue's page on the site: a draft or a scheduled issue becomes sent. False when it was out already."""
    waiting = [Status.DRAFT, Status.SCHEDULED]
    changed = Issue.objects.filter(pk=issue.pk, status__in=waiting).update(
        status=Status.SENT, published_at=at or timezone.now()
    )
    issue.refresh_from_db()
    return changed == 1


def _move(issue: Issue, *, from_status: Issue.Status, **changes: object) -> bool:
    changed = Issue.objects.filter(pk=issue.pk, status=from_status).update(**changes)
    issue.refresh_from_db()
    return changed == 1
