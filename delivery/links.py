"""A reader's own links, as the stencils' slots and the mail's headers take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

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


def feedback_urls(dispatch_id: int) -> Maker:
    """To where a reader answers "was this good?"; `?answer=` says what they pressed."""
    return _maker("feedback", tokens.reader_tokens("feedback", mark=str(dispatch_id)))


def web_urls(dispatch_id: int) -> Maker:
    """To the page of an issue that only its readers may read."""
    return _maker("read", tokens.reader_tokens("read", mark=str(dispatch_id)))


MAKERS = {"unsubscribe_url": unsubscribe_urls, "feedback_url": feedback_urls, "web_url": web_urls}


def makers(dispatch_id: int, *, slots: Iterable[str]) -> dict[str, Maker]:
    """By slot, for those that the dispatch has; the way out always, since it stands in a header, too."""
    wanted = {"unsubscribe_url", *slots}
    return {name: make(dispatch_id) for name, make in MAKERS.items() if name in wanted}


def _maker(view: str, token: Callable[[int], str]) -> Maker:
    before, _, after = absolute_url(reverse(view, args=[PLACE])).partition(PLACE)
    return lambda subscription_id: f"{before}{token(subscription_id)}{after}"


def nobodys() -> dict[str, str]:
    """By slot, for a test mail and a preview: each leads to a page that says so, and does nothing to anybody."""
    return {name: make(NO_DISPATCH)(tokens.NOBODY) for name, make in MAKERS.items()}
