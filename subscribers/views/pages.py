"""What the reader's pages share: whose link it is, in whose language, and where a link leads that leads nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from newsletter.views import speaking
from subscribers.addresses import masked
from subscribers.models import Subscription

if TYPE_CHECKING:
    from django.http import HttpRequest

    from newsletter.models import Newsletter

read_or_act = require_http_methods(["GET", "HEAD", "POST"])


def found(subscription_id: int) -> Subscription | None:
    return Subscription.objects.with_both().filter(pk=subscription_id).first()


def subscribe_url(newsletter: Newsletter) -> str:
    return f"{newsletter.get_absolute_url()}subscribe/"


def page(
    request: HttpRequest,
    template: str,
    newsletter: Newsletter,
    context: dict[str, object],
    *,
    status: int = 200,
    reader: str = "",
) -> HttpResponse:
    """`reader`: Subscriber.language, where it is known whose link it is."""
    return speaking.page(request, template, context, newsletter=newsletter, reader=reader, status=status)


def reader_page(
    request: HttpRequest, template: str, subscription: Subscription, **more: object
) -> HttpResponse:
    """A page for whoever holds the link: it masks the address, for the mail may have been forwarded."""
    newsletter, language = subscription.newsletter, subscription.subscriber.language
    context = {
        "masked_address": masked(subscription.subscriber.email),
        "subscribe_url": subscribe_url(newsletter) + speaking.query(request, reader=language),
    }
    return private(page(request, template, newsletter, context | more, reader=language))


def private(response: HttpResponse) -> HttpResponse:
    """For nobody's index and nobody's log, not even as where somebody came from: the page's address is its key."""
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def was_a_test(request: HttpRequest, *, link: str) -> HttpResponse:
    """Also to a mailbox provider's one click: the link of a test mail works, and changes nothing.

    `link`: which of a reader's own it stands for, "unsubscribe", "feedback" or "read".
    """
    if request.POST.get("List-Unsubscribe") == "One-Click":
        return HttpResponse(status=200)
    return private(speaking.page(request, "subscribers/test_mail.html", {"link": link}))


def link_is_over(request: HttpRequest, subscription: Subscription, *, again_url: str) -> HttpResponse:
    """`again_url`: where a press of a button asks for a fresh one; "" where there is nothing left to confirm."""
    newsletter = subscription.newsletter
    context: dict[str, object] = {"subscribe_url": subscribe_url(newsletter), "again_url": again_url}
    language = subscription.subscriber.language
    return page(request, "subscribers/link_expired.html", newsletter, context, status=410, reader=language)


def link_is_unknown(request: HttpRequest) -> HttpResponse:
    return speaking.page(request, "subscribers/link_invalid.html", status=404)
