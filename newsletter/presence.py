"""Who has an issue open, told by their browsers every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from newsletter.models import Presence, Revision

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from newsletter.models import Issue

# Browsers let a page in the background speak only once a minute.
GONE_AFTER = timedelta(seconds=90)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody else, or the same person in another tab."""

    name: str
    is_self: bool
    since: datetime
    changed_at: datetime | None


def seen(issue: Issue, *, by: Any, tab: str) -> None:
    """A sign of life from one tab."""
    now = timezone.now()
    mine = Presence.objects.filter(issue=issue, tab=tab, user=by)
    last = mine.values_list("seen_at", flat=True).first()
    if last and last > now - GONE_AFTER:
        mine.update(seen_at=now)
        return
    Presence.objects.filter(issue=issue, seen_at__lt=now - FORGOTTEN_AFTER).delete()
    mine.delete()
    try:
        with transaction.atomic():
            Presence.objects.create(issue=issue, tab=tab, user=by, seen_at=now)
    except IntegrityError:  # two signs of life at once, or another's tab of the same name: nothing new
        return


def gone(issue: Issue, *, by: Any, tab: str) -> None:
    Presence.objects.filter(issue=issue, tab=tab, user=by).delete()


def hold(user: Any) -> None:
    """Until the transaction ends, other requests of this person that hold it wait: of two at once, the second sees what
    the first made."""
    get_user_model().objects.select_for_update(no_key=True).filter(pk=user.pk).first()


def issue_of(tab: str, *, by: Any) -> int | None:
    """Which issue this person has open in that tab."""
    return Presence.objects.filter(tab=tab, user=by).values_list("issue_id", flat=True).first()


def saw(issue: Issue, *, by: Any, tab: str) -> bool:
    """Whether nothing was saved in it since that tab's last sign of life."""
    return Presence.objects.filter(issue=issue, tab=tab, user=by, seen_at__gte=issue.updated_at).exists()


def others(issue: Issue, *, by: Any, tab: str) -> list[Other]:
    """One for each person, since their first tab."""
    here = Presence.objects.filter(issue=issue, seen_at__gte=timezone.now() - GONE_AFTER).exclude(tab=tab)
    people: dict[int, Presence] = {}
    for presence in here.select_related("user").order_by("opened_at", "pk"):
        people.setdefault(presence.user_id, presence)
    changed = _changes(issue, people) if people else {}
    return [
        Other(name(each.user), each.user_id == by.pk, each.opened_at, changed.get(each.user_id))
        for each in people.values()
    ]


def name(user: Any) -> str:
    return (user.get_full_name() or user.get_username()) if user else ""


def _changes(issue: Issue, people: Iterable[int]) -> dict[int, datetime]:
    """When each of them last saved here, if ever."""
    theirs = Revision.objects.filter(issue=issue, by__in=people).order_by()
    return dict(theirs.values_list("by_id").annotate(Max("saved_at")))
