"""The buttons of the manage page. Each does one thing and shows the page anew; pressed twice, it is done once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import changing_address, known, lifecycle, managing, resting, tasks, wordings
from subscribers.consent import Method
from subscribers.forms.managing import FieldsForm, NewAddressForm, PersonForm, RhythmForm
from subscribers.models import Subscription
from subscribers.views import asking, holding
from subscribers.views.holding import Holder, button
from subscribers.views.managing import Filled, page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from subscribers.consent import Circumstances


@button
def rhythm(request: HttpRequest, holder: Holder, slug: str) -> HttpResponse:
    """How often, or a pause."""
    subscription = _theirs(holder, slug)
    with timezone.override(subscription.newsletter.time_zone):
        form = RhythmForm(request.POST, subscription=subscription, now=timezone.now())
        if not form.is_valid():
            return page(request, holder, Filled(of=subscription.pk, rhythm=form), status=422)
        managing.arrange(
            subscription,
            frequency=form.frequency,
            until=form.pauses_until,
            circumstances=_circumstances(request),
        )
    return holding.back_to_page(request, holder, saved="rhythm", of=slug)


@button
def go_on(request: HttpRequest, holder: Holder, slug: str) -> HttpResponse:
    resting.resume(_theirs(holder, slug), circumstances=_circumstances(request))
    return holding.back_to_page(request, holder, saved="go_on", of=slug)


@button
def leave(request: HttpRequest, holder: Holder, slug: str) -> HttpResponse:
    lifecycle.unsubscribe(_theirs(holder, slug), circumstances=_circumstances(request))
    tasks.wake(holder.subscriber.pk)
    return holding.back_to_page(request, holder, saved="left", of=slug)


@button
def begin(request: HttpRequest, holder: Holder, slug: str) -> HttpResponse:
    """A newsletter they do not get: new, left before, or never confirmed."""
    newsletter = get_object_or_404(Newsletter, slug=slug)
    managing.begin(
        holder.subscriber,
        newsletter,
        wording_id=wordings.note(managing.as_begun_here(newsletter), request.POST.get("wording", "")),
        circumstances=_circumstances(request),
    )
    tasks.wake(holder.subscriber.pk)
    return holding.back_to_page(request, holder, saved="begun", of=slug)


@button
def fields(request: HttpRequest, holder: Holder, slug: str) -> HttpResponse:
    subscription = _theirs(holder, slug)
    form = FieldsForm(request.POST, subscription=subscription)
    if not form.is_valid():
        return page(request, holder, Filled(of=subscription.pk, fields=form), status=422)
    known.write(subscription, answers=form.cleaned_data)
    return holding.back_to_page(request, holder, saved="fields", of=slug)


@button
def person(request: HttpRequest, holder: Holder) -> HttpResponse:
    form = PersonForm(request.POST, subscriber=holder.subscriber)
    if not form.is_valid():
        return page(request, holder, Filled(person=form), status=422)
    managing.introduce(holder.subscriber, **form.cleaned_data, circumstances=_circumstances(request))
    return holding.back_to_page(request, holder, saved="person")


@button
def new_address(request: HttpRequest, holder: Holder) -> HttpResponse:
    form = NewAddressForm(request.POST, subscriber=holder.subscriber)
    if not form.is_valid():
        return page(request, holder, Filled(address=form), status=422)
    changing_address.ask(holder.subscriber, new_email=form.cleaned_data["new_email"], now=timezone.now())
    tasks.wake(holder.subscriber.pk)
    return holding.back_to_page(request, holder, saved="address")


@button
def keep_address(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Call a change off that both mailboxes have not agreed to yet."""
    changing_address.call_off(holder.subscriber, now=timezone.now())
    return holding.back_to_page(request, holder, saved="kept")


def _theirs(holder: Holder, slug: str) -> Subscription:
    rows = Subscription.objects.with_both()
    found = rows.filter(subscriber=holder.subscriber, newsletter__slug=slug).first()
    if found is None:
        raise Http404
    return found


def _circumstances(request: HttpRequest) -> Circumstances:
    return asking.circumstances(request, Method.MANAGE)
