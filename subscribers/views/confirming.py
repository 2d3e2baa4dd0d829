"""The page behind the confirmation mail: one big button, and only pressing it confirms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from newsletter.views import speaking
from subscribers import facts, letters, lifecycle, managing, tasks, tokens
from subscribers.consent import Method
from subscribers.models import Letter, Subscription, Suppression
from subscribers.views import asking, pages
from subscribers.views.bounds import link_page
from subscribers.views.pages import read_or_act

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

    from subscribers.tokens import ConfirmClaim

Status = Subscription.Status
MOST_ALONG = 50  # boxes on the page


@dataclass(frozen=True, slots=True)
class Found:
    """What a link stands for, as it is now. None of it is of another person than the first."""

    waiting: list[Subscription]  # named in the link, and to be confirmed
    done: list[Subscription]  # named in the link, and confirmed since
    along: list[Subscription]  # asked for after the mail went out: offered, and never taken along unasked


@read_or_act
@link_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    try:
        claims = tokens.read_confirm(token)
    except tokens.ExpiredToken as expired:
        return _over(request, token, expired.claims)
    except tokens.InvalidToken:
        return pages.link_is_unknown(request)
    if claims[0].subscription_id == tokens.NOBODY:
        return pages.was_a_test(request, link="letter")
    found = _found(claims)
    if not found.waiting and not found.done:
        return _over(request, token, claims)
    if request.method == "POST":
        return _act(request, token, found, claims)
    if found.waiting:
        return _ask(request, found)
    return _confirmed(request, found, was_confirmed=True)


@read_or_act
@link_page
def confirm_again(request: HttpRequest, token: str) -> HttpResponse:
    """A fresh link to the same address, for whoever holds one that has run out; its cool-down is every other's."""
    if request.method != "POST":  # a tab that is opened again
        return HttpResponseRedirect(reverse("subscribers:confirm", args=[token]) + speaking.query(request))
    try:
        claims = tokens.read_confirm(token)
    except tokens.ExpiredToken as expired:
        claims = expired.claims
    except tokens.InvalidToken:
        return pages.link_is_unknown(request)
    rows = _rows(claims)
    if not rows:
        return pages.link_is_unknown(request)
    for subscription in rows:
        if subscription.status == Status.PENDING:
            letters.ask(Letter.Kind.CONFIRMATION, subscription, now=timezone.now())
    tasks.wake(rows[0].subscriber_id)
    return pages.reader_page(request, "subscribers/link_mailed.html", rows[0])


def _over(request: HttpRequest, token: str, claims: Sequence[ConfirmClaim]) -> HttpResponse:
    rows = _rows(claims)
    if not rows:
        return pages.link_is_unknown(request)
    waits = any(each.status == Status.PENDING for each in rows)
    again_url = reverse("subscribers:confirm_again", args=[token]) if waits else ""
    return pages.link_is_over(request, rows[0], again_url=again_url)


def _act(request: HttpRequest, token: str, found: Found, claims: Sequence[ConfirmClaim]) -> HttpResponse:
    ticked = set(request.POST.getlist("along"))
    wanted = [*found.waiting, *(each for each in found.along if letters.pair(each) in ticked)]
    circumstances = asking.circumstances(request, Method.LINK, of=wanted[0] if wanted else None)
    changed = [
        each
        for each in wanted
        if lifecycle.confirm(each, generation=each.generation, circumstances=circumstances)
    ]
    for subscriber_id in {each.subscriber_id for each in changed}:
        tasks.wake(subscriber_id)
    now = _found(claims)
    done = changed or now.done
    if not done:  # left, or deleted, in this very moment
        return _over(request, token, claims)
    return _confirmed(request, Found(now.waiting, done, now.along), was_confirmed=not changed)


def _found(claims: Sequence[ConfirmClaim]) -> Found:
    generations = {claim.subscription_id: claim.generation for claim in claims}
    current = [each for each in _rows(claims) if each.generation == generations[each.pk]]
    waiting = [each for each in current if each.status == Status.PENDING]
    done = [each for each in current if each.is_reading]
    if not waiting and not done:
        return Found([], [], [])
    others = Subscription.objects.with_both().filter(
        subscriber=current[0].subscriber_id, status=Status.PENDING
    )
    along = others.exclude(pk__in=[each.pk for each in waiting]).order_by("pk")
    return Found(waiting, done, list(along[:MOST_ALONG]))


def _rows(claims: Sequence[ConfirmClaim]) -> list[Subscription]:
    """In the order of the link: the newsletter that wrote stands first."""
    order = [claim.subscription_id for claim in claims]
    rows = Subscription.objects.with_both().filter(pk__in=order)
    return sorted(rows, key=lambda each: order.index(each.pk))


def _ask(request: HttpRequest, found: Found) -> HttpResponse:
    along = [(letters.pair(each), each.newsletter) for each in found.along]
    return pages.reader_page(
        request, "subscribers/confirm.html", found.waiting[0], named=_named(found.waiting), along=along
    )


def _confirmed(request: HttpRequest, found: Found, *, was_confirmed: bool) -> HttpResponse:
    first = found.done[0]
    return pages.reader_page(
        request,
        "subscribers/confirmed.html",
        first,
        latest=facts.latest_issue(first.newsletter),
        named=_named(found.done),
        along=[(letters.pair(each), each.newsletter) for each in found.along],
        was_confirmed=was_confirmed,
        is_kept_out=_is_kept_out(first),
    )


def _is_kept_out(subscription: Subscription) -> bool:
    """By a complaint: a press of a button does not lift it."""
    found = managing.suppression_of(subscription.subscriber)
    return found is not None and found.reason not in Suppression.LIFTED_BY_CONFIRMING


def _named(subscriptions: Sequence[Subscription]) -> list[object]:
    return [each.newsletter for each in subscriptions]
