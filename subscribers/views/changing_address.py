"""The pages behind the two letters of a change of address. The new end sees the old address masked. The
new one is said in full: nobody can agree to what they cannot read, nor spot a slip in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from newsletter.views import speaking
from subscribers import changing_address, managing, tasks, tokens
from subscribers.addresses import masked
from subscribers.changing_address import State
from subscribers.consent import Method
from subscribers.models import AddressChange
from subscribers.views import asking, holding, pages
from subscribers.views.bounds import link_page
from subscribers.views.pages import read_or_act

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

OVER = frozenset({State.OVER, State.TAKEN, State.KEPT_OUT})


@read_or_act
@link_page
def change_address(request: HttpRequest, token: str) -> HttpResponse:
    try:
        claim = tokens.read_change(token)
    except tokens.InvalidToken:
        return pages.link_is_unknown(request)
    change = AddressChange.objects.select_related("subscriber").filter(pk=claim.change_id).first()
    if change is None or claim.end not in changing_address.ENDS:
        return holding.leads_nowhere(request)
    with speaking.speaking(request, reader=change.subscriber.language):
        now = timezone.now()
        state = (
            _act(request, change, end=claim.end, now=now)
            if request.method == "POST"
            else changing_address.look(change, end=claim.end, now=now)
        )
        return _page(request, change, state, end=claim.end)


def _act(request: HttpRequest, change: AddressChange, *, end: str, now: datetime) -> State:
    # The old mailbox has a say in it until both have agreed; the new one simply need not answer.
    if end == "old" and "no" in request.POST:
        if changing_address.look(change, end=end, now=now) in {State.ASKING, State.AGREED}:
            changing_address.call_off(change.subscriber, now=now)
        return State.OVER
    circumstances = asking.circumstances(request, Method.LINK)
    state = changing_address.agree(change.pk, end=end, now=now, circumstances=circumstances)
    tasks.wake(change.subscriber_id)
    return state


def _page(request: HttpRequest, change: AddressChange, state: State, *, end: str) -> HttpResponse:
    """`change` as it was before the press: carried out, it no longer holds the new address, but its reader does."""
    subscriber = change.subscriber
    if state == State.DONE:
        subscriber.refresh_from_db()
    speaker = managing.speaks_to(subscriber)
    context = {
        "state": state.value,
        "end": end,
        "old_address": masked(subscriber.email),
        "new_address": masked(subscriber.email) if state == State.DONE else change.new_email,
    }
    response = speaking.page(
        request,
        "subscribers/change_address.html",
        context,
        newsletter=speaker.newsletter if speaker else None,
        reader=subscriber.language,
        status=410 if state in OVER else 200,
    )
    return pages.private(response)
