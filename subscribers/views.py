"""What a reader does. GET and HEAD never change anything: scanners and prefetchers open every link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from newsletter import claims
from newsletter.locale import spoken_by
from newsletter.models import Issue, Newsletter
from subscribers import lifecycle, tasks, tokens
from subscribers.addresses import masked
from subscribers.forms import SubscribeForm
from subscribers.models import Subscription

if TYPE_CHECKING:
    from django.http import HttpRequest

read_or_act = require_http_methods(["GET", "HEAD", "POST"])


@csrf_exempt  # archive pages are cached and set no cookie, so their boxes cannot carry a token; nothing here uses one
@read_or_act
def subscribe(request: HttpRequest, slug: str) -> HttpResponse:
    """The answer is the same for everybody: it never tells whether an address is known."""
    newsletter = get_object_or_404(Newsletter, slug=slug)
    form = SubscribeForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        context = {"form": form, "readers_claim": claims.readers_claim(newsletter)}
        status = 422 if form.is_bound else 200
        return _page(request, "subscribers/subscribe.html", newsletter, context, status=status)
    if not form.is_from_a_machine:
        wish = form.cleaned_data
        subscription = lifecycle.subscribe(newsletter, email=wish["email"], first_name=wish["first_name"])
        tasks.wake(subscription.pk)
    return redirect("subscribers:check_inbox", slug=newsletter.slug)


@require_safe
def check_inbox(request: HttpRequest, slug: str) -> HttpResponse:
    newsletter = get_object_or_404(Newsletter, slug=slug)
    return _page(request, "subscribers/check_inbox.html", newsletter, {"latest": _latest(newsletter)})


@never_cache
@read_or_act
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    try:
        claim = tokens.read_confirm(token)
    except tokens.ExpiredToken as expired:
        return _link_is_over(request, _found(expired.subscription_id))
    except tokens.InvalidToken:
        return _link_is_unknown(request)
    subscription = _found(claim.subscription_id)
    if subscription is None:
        return _link_is_unknown(request)
    if request.method == "POST":
        was_confirmed = not lifecycle.confirm(subscription, generation=claim.generation)
    else:
        was_confirmed = subscription.status == Subscription.Status.ACTIVE
    is_current = subscription.generation == claim.generation
    match subscription.status:
        case Subscription.Status.ACTIVE | Subscription.Status.PAUSED if is_current:
            return _confirmed(request, subscription, was_confirmed=was_confirmed)
        case Subscription.Status.PENDING if is_current:
            return _reader_page(request, "subscribers/confirm.html", subscription)
        case _:
            return _link_is_over(request, subscription)


@csrf_exempt  # RFC 8058: the mailbox provider posts without a cookie; the signed link is the key
@never_cache
@read_or_act
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    try:
        claim = tokens.read_unsubscribe(token)
    except tokens.InvalidToken:
        return _link_is_unknown(request)
    if claim.subscription_id == tokens.NOBODY:
        return was_a_test(request, link="unsubscribe")
    subscription = _found(claim.subscription_id)
    was_unsubscribed = subscription is None or subscription.status == Subscription.Status.UNSUBSCRIBED
    if request.method == "POST":
        if subscription:
            lifecycle.unsubscribe(subscription, via=claim.mark)
        if request.POST.get("List-Unsubscribe") == "One-Click":
            return HttpResponse(status=200)
    if subscription is None:
        return render(request, "subscribers/unsubscribed.html", {"was_unsubscribed": True})
    if subscription.status == Subscription.Status.UNSUBSCRIBED:
        return _reader_page(
            request, "subscribers/unsubscribed.html", subscription, was_unsubscribed=was_unsubscribed
        )
    return _reader_page(request, "subscribers/unsubscribe.html", subscription, token=token)


def was_a_test(request: HttpRequest, *, link: str) -> HttpResponse:
    """Also to a mailbox provider's one click: the link of a test mail works, and changes nothing.

    `link`: which of a reader's own it stands for, "unsubscribe", "feedback" or "read".
    """
    if request.POST.get("List-Unsubscribe") == "One-Click":
        return HttpResponse(status=200)
    response = render(request, "subscribers/test_mail.html", {"link": link})
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _found(subscription_id: int) -> Subscription | None:
    return Subscription.objects.select_related("subscriber", "newsletter").filter(pk=subscription_id).first()


def _latest(newsletter: Newsletter) -> Issue | None:
    return (
        Issue.objects.public()
        .filter(newsletter=newsletter)
        .select_related("newsletter")
        .defer("body")
        .first()
    )


def _subscribe_url(newsletter: Newsletter) -> str:
    return f"{newsletter.get_absolute_url()}subscribe/"


def _page(
    request: HttpRequest,
    template: str,
    newsletter: Newsletter,
    context: dict[str, object],
    *,
    status: int = 200,
) -> HttpResponse:
    with spoken_by(newsletter):
        return render(request, template, context | {"newsletter": newsletter}, status=status)


def _reader_page(
    request: HttpRequest, template: str, subscription: Subscription, **more: object
) -> HttpResponse:
    """A page for whoever holds the link: it masks the address, for the mail may have been forwarded."""
    newsletter = subscription.newsletter
    context = {
        "masked_address": masked(subscription.subscriber.email),
        "subscribe_url": _subscribe_url(newsletter),
    }
    response = _page(request, template, newsletter, context | more)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _confirmed(request: HttpRequest, subscription: Subscription, *, was_confirmed: bool) -> HttpResponse:
    latest = _latest(subscription.newsletter)
    return _reader_page(
        request, "subscribers/confirmed.html", subscription, latest=latest, was_confirmed=was_confirmed
    )


def _link_is_over(request: HttpRequest, subscription: Subscription | None) -> HttpResponse:
    if subscription is None:
        return _link_is_unknown(request)
    newsletter = subscription.newsletter
    context: dict[str, object] = {"subscribe_url": _subscribe_url(newsletter)}
    return _page(request, "subscribers/link_expired.html", newsletter, context, status=410)


def _link_is_unknown(request: HttpRequest) -> HttpResponse:
    return render(request, "subscribers/link_invalid.html", status=404)
