"""How long revisions are kept that nobody asked for.

What was saved by hand or restored stays for ever. What saved itself is one revision for each hour after a day, and one
for each day after 30 days; what was kept aside and then not used goes after 30 days. It is done whenever an issue gets
a new revision, so there is nothing to schedule, and an issue that rests costs nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.models import Revision

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.models import Issue

DAY, MONTH = timedelta(days=1), timedelta(days=30)
Kind = Revision.Kind


def ten_minutes(moment: datetime) -> int:
    """The number of these ten minutes."""
    return int(moment.timestamp()) // 600


def thin(issue: Issue, *, now: datetime) -> None:
    """Called while the issue's row is held."""
    old = issue.revisions.filter(saved_at__lt=now - DAY)
    by_themselves = old.filter(kind=Kind.AUTOSAVED).order_by("-number").values_list("pk", "saved_at")
    seen: set[tuple[object, ...]] = set()
    spare = []
    for pk, saved_at in by_themselves:
        slot = _slot(saved_at, now=now)
        if slot in seen:
            spare.append(pk)
        seen.add(slot)
    if spare:
        issue.revisions.filter(pk__in=spare).delete()
    old.filter(kind=Kind.DROPPED, saved_at__lt=now - MONTH).delete()


def _slot(saved_at: datetime, *, now: datetime) -> tuple[object, ...]:
    day = saved_at.date()
    return (day,) if saved_at < now - MONTH else (day, saved_at.hour)
