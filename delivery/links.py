"""A reader's own links, as the stencils' slots and the mail's headers take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse

from delivery.messages import ways_out
from newsletter.rendering import PAGE_SLOT
from newsletter.site import absolute_url
from subscribers import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    # Makes a link by a subscription's id.
    Maker = Callable[[int], str]

PLACE = "TOKEN"
NO_DISPATCH = 0


def unsubscribe_urls(dispatch_id: int) -> Maker:
    """A maker of unsubscribe links by subscription id; each is marked with the dispatch it came in."""
    token = tokens.unsubscribe_tokens(mark=str(dispatch_id))
    return _maker("subscribers:unsubscribe", token)


def unsubscribe_mails(dispatch_id: int) -> Maker:
    """The way out by mail, for programs that know no other (RFC 2369 3.2); read by delivery/inbound.py.

    The subject needs no percent sign, which some providers would take for a slot of theirs.
    """
    token = tokens.unsubscribe_tokens(mark=str(dispatch_id))
    return lambda subscription_id: (
        f"mailto:{settings.UNSUBSCRIBE_ADDRESS}?subject=unsubscribe-{token(subscription_id)}"
    )


def feedback_urls(dispatch_id: int) -> Maker:
    """To where a reader answers "was this good?"; `?answer=` says what they pressed."""
    return _maker("feedback", tokens.reader_tokens("feedback", mark=str(dispatch_id)))


def web_urls(dispatch_id: int) -> Maker:
    """To the page of an issue that only its readers may read."""
    return _maker("read", tokens.reader_tokens("read", mark=str(dispatch_id)))


IN_HEADERS = {"unsubscribe_url": unsubscribe_urls, "unsubscribe_mail": unsubscribe_mails}
MAKERS = {"unsubscribe_url": unsubscribe_urls, "feedback_url": feedback_urls, "web_url": web_urls}


def makers(dispatch_id: int, *, slots: Iterable[str]) -> dict[str, Maker]:
    """By slot, for those that the dispatch has; the ways out always, since they stand in a header, too.

    A digest leads to pages of other issues: each by the link that the issue's own mail has.
    """
    wanted = {*ways_out(), *slots}
    own = {name: make(dispatch_id) for name, make in (MAKERS | IN_HEADERS).items() if name in wanted}
    return own | {name: web_urls(int(found[1])) for name in wanted if (found := PAGE_SLOT.fullmatch(name))}


def _maker(view: str, token: Callable[[int], str]) -> Maker:
    before, _, after = absolute_url(reverse(view, args=[PLACE])).partition(PLACE)
    return lambda subscription_id: f"{before}{token(subscription_id)}{after}"


def nobodys(*, slots: Iterable[str] = ()) -> dict[str, str]:
    """By slot, for a test mail and a preview: each leads to a page that says so, and does nothing to anybody."""
    made = makers(NO_DISPATCH, slots=[*MAKERS, *slots])
    return {name: make(tokens.NOBODY) for name, make in made.items()}
