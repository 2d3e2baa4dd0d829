"""What a reader sees who has left: that it is done, and every way back from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subscribers import offers
from subscribers.reasons import Reason
from subscribers.views import pages

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from subscribers.models import Subscription


def has_left(
    request: HttpRequest, subscription: Subscription, *, back: str, has_said: bool = False
) -> HttpResponse:
    """`back`: the token by which it is taken back."""
    return pages.reader_page(
        request,
        "subscribers/unsubscribed.html",
        subscription,
        back=back,
        offers=offers.of(subscription) if back else [],
        reasons=Reason,
        has_said=has_said,
    )


def had_left(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    return pages.reader_page(request, "subscribers/unsubscribed.html", subscription, had_left=True)
