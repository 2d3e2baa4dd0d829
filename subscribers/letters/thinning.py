"""Letters are kept a month: long enough for every cool-down, and to tell a reader what was sent to them when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from subscribers.letters import mailboxes
from subscribers.models import Letter, Subscription

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

KEPT = timedelta(days=30)
AT_ONCE = 5000


def forget_sent(*, now: datetime, until: datetime | None = None) -> int:
    """Delete those of before, some at a time, as long as there is time (None: all of them). Returns how many."""
    mailboxes.forget(now=now)
    deleted = 0
    for old in _old(before=now - KEPT):
        while (until is None or timezone.now() < until) and (ids := list(old[:AT_ONCE])):
            deleted += Letter.objects.filter(pk__in=ids).delete()[0]
    return deleted


def _old(*, before: datetime) -> Iterator[QuerySet[Letter, int]]:
    """The sent, by the index on their time; and the few that were given up.

    Of who has still not confirmed the reminder stays, since they get only one; it goes with them.
    """
    still_waits = Q(kind=Letter.Kind.REMINDER, subscription__status=Subscription.Status.PENDING)
    sent = Letter.objects.filter(sent_at__lt=before).order_by("sent_at")
    given_up = Letter.objects.filter(sent_at=None, due_at=None, asked_at__lt=before)
    for those in (sent, given_up):
        yield those.exclude(still_waits).values_list("pk", flat=True)
