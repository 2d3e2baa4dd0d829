"""What a reader sees who has left: that it is done, and every way back from it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from subscribers import offers, tokens
from subscribers.reasons import Reason
from subscribers.views import pages

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from subscribers.models import Subscription

# A second press within so long is taken for the same one: a double click, a page that was loaded again. Later, whoever
# holds the link may be somebody else, and only the reader's own mailbox leads back.
SAME_PRESS = timedelta(minutes=5)


def after_leaving(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    left_at = subscription.unsubscribed_at
    if left_at is None or timezone.now() - left_at > SAME_PRESS:
        return had_left(request, subscription)
    back = tokens.back_token(subscription) if subscription.left_as else ""
    return has_left(request, subscription, back=back)


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
