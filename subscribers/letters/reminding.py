"""One reminder, a day after: most who have not confirmed meant to, and forgot or never saw the mail."""

from __future__ import annotations

import logging
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers.letters.asking import ask
from subscribers.models import Letter, Siege, Subscription, Suppression

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

Kind = Letter.Kind
AFTER, UNTIL = timedelta(days=1), timedelta(days=3)
MOST, SLICE = 50_000, 50  # looked up in one run, more than there is time for; asked for at a time


def remind_due(*, now: datetime, until: datetime | None = None) -> int:
    """Ask for the reminders whose time has come, the longest waiting first, as long as there is time (None: all of
    them). Returns how many persons get one."""
    reminded: set[int] = set()
    ids = _forgotten(now).values_list("pk", flat=True)[:MOST]
    for some in batched(ids, SLICE):
        if until and timezone.now() >= until:
            logger.info("There was no time for all reminders; the next run goes on.")
            break
        _remind(some, reminded, now=now)
    return len(reminded)


def _remind(ids: Sequence[int], reminded: set[int], *, now: datetime) -> None:
    """Of those who still have not answered."""
    still = Subscription.objects.filter(pk__in=ids, status=Subscription.Status.PENDING)
    for subscription in still.with_both().order_by("requested_at", "pk"):
        if subscription.subscriber_id not in reminded:
            ask(Kind.REMINDER, subscription, now=now)
            reminded.add(subscription.subscriber_id)


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
    return Subscription.objects.filter(
        Exists(asked),
        ~Exists(lately),
        ~Exists(besieged),
        ~Exists(unwelcome),
        # All of them, by name: the pending are few, and there is an index by newsletter and status.
        newsletter__in=list(Newsletter.objects.values_list("pk", flat=True)),
        status=Subscription.Status.PENDING,
        requested_at__range=(now - UNTIL, now - AFTER),
    ).order_by("requested_at", "pk")
