"""A second thought: taking a leaving back, or saying what it was for. By the token that the answer to it carried."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import HttpResponseRedirect
from django.urls import reverse

from newsletter.views import speaking
from subscribers import lifecycle, offers, reasons, tokens
from subscribers.consent import Kind, Method
from subscribers.models import Subscription
from subscribers.views import asking, farewell, pages
from subscribers.views.bounds import link_page
from subscribers.views.pages import read_or_act

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from subscribers.tokens import BackClaim


@read_or_act
@link_page
def back(request: HttpRequest, token: str) -> HttpResponse:
    """As if they had not left; or so, but with fewer mails."""
    claim, subscription = _claimed(token)
    if claim is None or subscription is None:
        return pages.link_is_unknown(request)
    if request.method == "POST" and not claim.is_over:
        _bring_back(request, subscription, claim)
    if request.method != "POST" and not claim.is_over and _may_come_back(subscription, claim):
        return pages.reader_page(
            request, "subscribers/back.html", subscription, back=token, offers=offers.of(subscription)
        )
    if subscription.status != Subscription.Status.UNSUBSCRIBED:
        return pages.reader_page(request, "subscribers/back_done.html", subscription, standing=subscription)
    return _is_over(request, subscription)


@read_or_act
@link_page
def why(request: HttpRequest, token: str) -> HttpResponse:
    claim, subscription = _claimed(token)
    if claim is None or subscription is None:
        return pages.link_is_unknown(request)
    has_left = subscription.unsubscribed_at == claim.left_at and not subscription.is_reading
    if request.method != "POST" or claim.is_over or not has_left:
        return HttpResponseRedirect(reverse("subscribers:back", args=[token]) + speaking.query(request))
    reasons.say(
        subscription,
        left_at=claim.left_at,
        reason=request.POST.get("reason", ""),
        words=request.POST.get("words", ""),
        circumstances=asking.circumstances(request, Method.LINK, of=subscription),
    )
    has_said = reasons.has_said(subscription, left_at=claim.left_at)
    return farewell.has_left(request, subscription, back=token, has_said=has_said)


def _is_over(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    response = pages.reader_page(request, "subscribers/back_over.html", subscription)
    response.status_code = HTTPStatus.GONE
    return response


def _claimed(token: str) -> tuple[BackClaim | None, Subscription | None]:
    try:
        claim = tokens.read_back(token)
    except tokens.InvalidToken:
        return None, None
    subscription = pages.found(claim.subscription_id)
    if subscription and not claim.is_of(subscription.subscriber):
        return claim, None
    return claim, subscription


def _bring_back(request: HttpRequest, subscription: Subscription, claim: BackClaim) -> None:
    circumstances = asking.circumstances(request, Method.LINK, of=subscription)
    lifecycle.take_back(subscription, left_at=claim.left_at, kind=Kind.CAME_BACK, circumstances=circumstances)
    offer = offers.named(request.POST.get("offer", ""))
    if offer and subscription.status != Subscription.Status.UNSUBSCRIBED:
        offers.take(subscription, offer, circumstances=circumstances)


def _may_come_back(subscription: Subscription, claim: BackClaim) -> bool:
    """Not after a later leaving, nor one that cannot be taken back any more. A sign-up that waits for its yes does not
    end it: anybody may have typed it."""
    return subscription.unsubscribed_at == claim.left_at and bool(subscription.left_as)
