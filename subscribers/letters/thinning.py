"""Letters are kept a month: long enough for every cool-down, and to tell a reader what was sent to them when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from subscribers.letters import mailboxes
from subscribers.models import Letter, Subscription

if TYPE_CHECKING:
    from datetime import datetime

KEPT = timedelta(days=30)
AT_ONCE = 5000


def forget_sent(*, now: datetime) -> int:
    """Delete those of before, some at a time. Returns how many.

    Of who has still not confirmed the reminder stays, since they get only one; it goes with them.
    """
    mailboxes.forget(now=now)
    before = now - KEPT
    old = Letter.objects.filter(Q(sent_at__lt=before) | Q(sent_at=None, due_at=None, asked_at__lt=before))
    still_waits = Q(kind=Letter.Kind.REMINDER, subscription__status=Subscription.Status.PENDING)
    ids = list(old.exclude(still_waits).values_list("pk", flat=True)[:AT_ONCE])
    return Letter.objects.filter(pk__in=ids).delete()[0]
