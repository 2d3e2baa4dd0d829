"""Leaving: one press after opening, no login, no question before it is done. Beside it, what is gentler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from newsletter.views import speaking
from subscribers import leaving, lifecycle, managing, offers, tasks, tokens
from subscribers.consent import Method
from subscribers.models import Subscription
from subscribers.views import asking, farewell, pages
from subscribers.views.bounds import link_page, whatever_is_posted
from subscribers.views.pages import read_or_act

if TYPE_CHECKING:
    from django.http import HttpRequest


@csrf_exempt  # RFC 8058: the mailbox provider posts without a cookie; the signed link is the key
@never_cache
@read_or_act
@whatever_is_posted
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    try:
        claim = tokens.read_unsubscribe(token)
    except tokens.InvalidToken:
        return pages.link_is_unknown(request)
    if claim.subscription_id == tokens.NOBODY:
        return pages.was_a_test(request, link="unsubscribe")
    if request.method == "POST" and _is_one_click(request):
        _leave_silently(request, claim)
        return HttpResponse(status=200)
    subscription = pages.found(claim.subscription_id)
    if subscription is None:
        return _nobody(request)
    if request.method == "POST":
        return _leave(request, subscription, via=claim.mark)
    return _door(request, subscription, token=token)


@read_or_act
@link_page
def rest(request: HttpRequest, token: str) -> HttpResponse:
    """One of the gentler offers, by the same link: it may have been forwarded, so only what is easily taken back."""
    subscription = _whose(token)
    if request.method != "POST":
        return _to_the_door(request, token)
    if subscription is None:
        return pages.link_is_unknown(request)
    offer = offers.named(request.POST.get("offer", ""))
    circumstances = asking.circumstances(request, Method.LINK, of=subscription)
    if offer:
        offers.take(subscription, offer, circumstances=circumstances)
    if offer is None or subscription.status == Subscription.Status.UNSUBSCRIBED:
        return _door(request, subscription, token=token)
    return _page(request, "rested", subscription, token=token)


@read_or_act
@link_page
def mail_link(request: HttpRequest, token: str) -> HttpResponse:
    """Everything else needs the reader's own mailbox: a link to manage it goes there, and nowhere else."""
    subscription = _whose(token)
    if request.method != "POST":
        return _to_the_door(request, token)
    if subscription is None:
        return pages.link_is_unknown(request)
    managing.ask_for_link(subscription)
    tasks.wake(subscription.subscriber_id)
    return _page(request, "mailed", subscription)


def _leave_silently(request: HttpRequest, claim: tokens.UnsubscribeClaim) -> None:
    circumstances = asking.circumstances(request, Method.ONE_CLICK)
    leaving.leave_at_once(claim, circumstances=circumstances)


def _leave(request: HttpRequest, subscription: Subscription, *, via: str) -> HttpResponse:
    circumstances = asking.circumstances(request, Method.LINK, of=subscription)
    has_left = leaving.leave(subscription, via=via, circumstances=circumstances)
    tasks.wake(subscription.subscriber_id)
    # The way back is shown to whoever pressed, and to nobody who comes with the same link after them.
    if has_left or lifecycle.is_same_press(subscription, circumstances, now=timezone.now()):
        back = tokens.back_token(subscription) if subscription.left_as else ""
        return farewell.has_left(request, subscription, back=back)
    return farewell.had_left(request, subscription)


def _is_one_click(request: HttpRequest) -> bool:
    """RFC 8058 3.1. Whatever else is posted, and be it unreadable, is somebody who pressed the button."""
    return request.POST.get("List-Unsubscribe") == "One-Click"


def _whose(token: str) -> Subscription | None:
    try:
        return pages.found(tokens.read_unsubscribe(token).subscription_id)
    except tokens.InvalidToken:
        return None


def _door(request: HttpRequest, subscription: Subscription, *, token: str) -> HttpResponse:
    if subscription.status == Subscription.Status.UNSUBSCRIBED:
        return farewell.had_left(request, subscription)
    return _page(request, "", subscription, token=token, offers=offers.of(subscription))


def _page(request: HttpRequest, name: str, subscription: Subscription, **more: object) -> HttpResponse:
    template = f"subscribers/unsubscribe{name and '_'}{name}.html"
    return pages.reader_page(request, template, subscription, standing=subscription, **more)


def _to_the_door(request: HttpRequest, token: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("subscribers:unsubscribe", args=[token]) + speaking.query(request))


def _nobody(request: HttpRequest) -> HttpResponse:
    response = speaking.page(request, "subscribers/unsubscribe_nobody.html")
    response.headers["X-Robots-Tag"] = "noindex"
    return response
