"""One reminder, a day after: most who have not confirmed meant to, and forgot or never saw the mail."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from subscribers.letters.asking import ask
from subscribers.models import Letter, Siege, Subscription, Suppression

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

Kind = Letter.Kind
AFTER, UNTIL = timedelta(days=1), timedelta(days=3)
AT_ONCE = 500


def remind_due(*, now: datetime) -> int:
    """Ask for the reminders whose time has come. Returns how many persons get one."""
    reminded: set[int] = set()
    for subscription in _forgotten(now)[:AT_ONCE]:
        if subscription.subscriber_id not in reminded:
            ask(Kind.REMINDER, subscription, now=now)
            reminded.add(subscription.subscriber_id)
    return len(reminded)


def _forgotten(now: datetime) -> QuerySet[Subscription]:
    """Asked yesterday and not answered. After days without a worker nobody is reminded of what they have forgotten
    for good; nor is who was signed up in a siege, most likely by a machine, nor who had one once."""
    theirs = Letter.objects.filter(subscriber=OuterRef("subscriber"))
    asked = theirs.filter(
        kind=Kind.CONFIRMATION, sent_at__gte=OuterRef("requested_at"), sent_at__lte=now - AFTER
    )
    lately = theirs.filter(
        Q(kind=Kind.REMINDER) | Q(due_at__isnull=False) | Q(kind=Kind.CONFIRMATION, sent_at__gt=now - AFTER)
    )
    besieged = Siege.objects.filter(
        Q(ended_at=None) | Q(ended_at__gte=OuterRef("requested_at")),
        newsletter=OuterRef("newsletter"),
        began_at__lte=OuterRef("requested_at"),
    )
    unwelcome = Suppression.objects.filter(address_key=OuterRef("subscriber__address_key"))
    return (
        Subscription.objects.filter(
            Exists(asked),
            ~Exists(lately),
            ~Exists(besieged),
            ~Exists(unwelcome),
            status=Subscription.Status.PENDING,
            requested_at__range=(now - UNTIL, now - AFTER),
        )
        .select_related("newsletter")
        .order_by("requested_at")
    )
