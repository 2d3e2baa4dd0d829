"""What a reader sees who has left: that it is done, and every way back from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from newsletter import zones
from subscribers import offers
from subscribers.models import Letter
from subscribers.reasons import Reason
from subscribers.views import pages

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from subscribers.models import Subscription

A_MOMENT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The mail that brings the way back, too."""

    at: datetime
    clock: str  # whose time the page says

    @property
    def comes_later(self) -> bool:
        return self.at > timezone.now() + A_MOMENT


def has_left(
    request: HttpRequest, subscription: Subscription, *, back: str, has_said: bool = False
) -> HttpResponse:
    """`back`: the token by which it is taken back."""
    return pages.reader_page(
        request,
        "subscribers/unsubscribed.html",
        subscription,
        back=back,
        goodbye=_goodbye(subscription) if back else None,
        offers=offers.of(subscription) if back else [],
        reasons=Reason,
        has_said=has_said,
    )


def had_left(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    return pages.reader_page(request, "subscribers/unsubscribed.html", subscription, had_left=True)


def _goodbye(subscription: Subscription) -> Goodbye | None:
    """Of this leaving. None where the newsletter says none, or they had never confirmed."""
    of_this = Q(due_at__isnull=False) | Q(sent_at__gte=subscription.unsubscribed_at)
    found = Letter.objects.filter(of_this, subscription=subscription, kind=Letter.Kind.GOODBYE).first()
    at = found and (found.due_at or found.sent_at)
    return Goodbye(at, zones.town(subscription.newsletter.time_zone)) if at else None
