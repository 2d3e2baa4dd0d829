"""Whoever opened a fresh link from their own mailbox: every page and button behind it asks here first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Concatenate

from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from newsletter.views import speaking
from subscribers import tokens
from subscribers.addresses import masked
from subscribers.models import Subscriber
from subscribers.views import pages
from subscribers.views.bounds import link_page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest, HttpResponse

type View[**P] = Callable[Concatenate[HttpRequest, Holder, P], HttpResponse]


@dataclass(frozen=True, slots=True)
class Holder:
    subscriber: Subscriber
    token: str

    @property
    def masked_address(self) -> str:
        return masked(self.subscriber.email)


def held[**P](view: View[P]) -> Callable[..., HttpResponse]:
    """The view gets the holder in place of the token, and speaks their language."""

    @wraps(view)
    def opened(request: HttpRequest, token: str, *args: P.args, **more: P.kwargs) -> HttpResponse:
        try:
            claim = tokens.read_manage(token)
        except tokens.ExpiredManageToken as expired:
            return pages.private(_has_run_out(request, expired.claim, token=token))
        except tokens.InvalidToken:
            return pages.link_is_unknown(request)
        subscriber = owner(claim)
        if subscriber is None:
            return leads_nowhere(request)
        with speaking.speaking(request, reader=subscriber.language):
            return pages.private(view(request, Holder(subscriber, token), *args, **more))

    return link_page(opened)


def button[**P](view: View[P]) -> Callable[..., HttpResponse]:
    """Of that page. The browser stands at its address after a press that was refused, and a tab that is opened again
    asks for it: whoever only looks is shown the page."""

    @wraps(view)
    def pressed(request: HttpRequest, holder: Holder, /, *args: P.args, **more: P.kwargs) -> HttpResponse:
        if request.method != "POST":
            return to_page(request, holder.token)
        return view(request, holder, *args, **more)

    return pages.read_or_act(held(pressed))


def owner(claim: tokens.ManageClaim) -> Subscriber | None:
    """Nobody where they were deleted, or have moved to another address since."""
    subscriber = Subscriber.objects.filter(pk=claim.subscriber_id).first()
    return subscriber if subscriber and claim.is_of(subscriber) else None


def page(
    request: HttpRequest,
    template: str,
    holder: Holder,
    context: Mapping[str, object] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    given = {"holder": holder, "masked_address": holder.masked_address, **(context or {})}
    return speaking.page(request, template, given, reader=holder.subscriber.language, status=status)


def to_page(request: HttpRequest, token: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("subscribers:manage", args=[token]) + speaking.query(request))


def back_to_page(request: HttpRequest, holder: Holder, *, saved: str, of: str = "") -> HttpResponseRedirect:
    """After a press: the page anew, at the section it was in, which says what became of it.

    Where they just chose a language, that one speaks, not the one of the moment before.
    """
    asked = "" if saved == "person" else speaking.asked_for(request)
    said = {"saved": saved, "of": of, speaking.PARAMETER: asked}
    query = urlencode({name: value for name, value in said.items() if value})
    url = reverse("subscribers:manage", args=[holder.token])
    return HttpResponseRedirect(f"{url}?{query}#{f'newsletter-{of}' if of else saved}")


def leads_nowhere(request: HttpRequest) -> HttpResponse:
    """Deleted, or moved: which of them it was, an old link does not tell."""
    return pages.private(speaking.page(request, "subscribers/manage_gone.html", status=410))


def _has_run_out(request: HttpRequest, claim: tokens.ManageClaim, *, token: str) -> HttpResponse:
    subscriber = owner(claim)
    if subscriber is None:
        return leads_nowhere(request)
    context = {"masked_address": masked(subscriber.email), "token": token}
    return speaking.page(
        request, "subscribers/manage_expired.html", context, reader=subscriber.language, status=410
    )
