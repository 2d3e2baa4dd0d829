"""Of whom a team may see more than that they are on its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef

from subscribers.models import ConsentEvent, Subscription

if TYPE_CHECKING:
    from django.db.models import QuerySet

Kind = ConsentEvent.Kind


def introduced(newsletter_ids: list[int]) -> QuerySet[Subscription]:
    """Anybody's address can be put on a list; only by confirming do people say who they are to that newsletter. Where
    it does without a mail to confirm, whoever typed the address made it a reader's. (Of a reader from before proof was
    kept, no event says so.)"""
    theirs = ConsentEvent.objects.filter(
        subscriber=OuterRef("subscriber"), newsletter=OuterRef("newsletter")
    ).order_by()
    typed = theirs.filter(kind=Kind.SINGLE)
    proven = theirs.filter(kind__in=[Kind.CONFIRMED, Kind.IMPORTED])
    confirmed = Subscription.objects.filter(newsletter__in=newsletter_ids, confirmed_at__isnull=False)
    return confirmed.filter(~Exists(typed) | Exists(proven))
