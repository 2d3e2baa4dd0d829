"""What a request tells of whoever sent it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import translation

from newsletter.views import speaking
from subscribers import networks
from subscribers.consent import Circumstances, Method
from subscribers.models import ConsentEvent

if TYPE_CHECKING:
    from django.http import HttpRequest

    from subscribers.models import Subscription

LONGEST_AGENT = ConsentEvent._meta.get_field("agent").max_length or 0


def circumstances(
    request: HttpRequest, method: Method, *, of: Subscription | None = None, **details: object
) -> Circumstances:
    """`of`: whose link it is, where nobody has activated the language of their page yet."""
    return Circumstances(
        method,
        network=network(request),
        agent=request.headers.get("User-Agent", "").replace("\0", "")[:LONGEST_AGENT],
        language=_language(request, of) if of else translation.get_language() or "",
        details=details,
    )


def _language(request: HttpRequest, subscription: Subscription) -> str:
    reader = subscription.subscriber.language
    return speaking.language_of(request, newsletter=subscription.newsletter, reader=reader)


def network(request: HttpRequest) -> str:
    return networks.network(
        request.META.get("REMOTE_ADDR", ""),
        forwarded_for=request.headers.get("X-Forwarded-For", ""),
        proxies=settings.TRUSTED_PROXIES,
    )
