"""A reader's own links, as the stencils' slots and the mail's headers take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from newsletter.site import absolute_url
from subscribers import tokens

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE = "TOKEN"


def unsubscribe_urls(dispatch_id: int) -> Callable[[int], str]:
    """A maker of unsubscribe links by subscription id; each is marked with the dispatch it came in."""
    pattern = absolute_url(reverse("subscribers:unsubscribe", args=[PLACE]))
    before, _, after = pattern.partition(PLACE)
    token = tokens.unsubscribe_tokens(mark=str(dispatch_id))
    return lambda subscription_id: f"{before}{token(subscription_id)}{after}"
