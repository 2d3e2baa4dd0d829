"""The manage page as a reader's browser uses it."""

from __future__ import annotations

import re
from html import unescape

from django.test import Client

from subscribers import tokens
from subscribers.models import ConsentEvent, Subscription


def link(subscription: Subscription, step: str = "") -> str:
    return f"/s/manage/{tokens.manage_token(subscription.subscriber)}/{step}"


def press(browser: Client, subscription: Subscription, step: str, **typed: str):
    """Open the page, and send one of its forms as a browser does."""
    assert '<form method="post" action="/s/manage/' in browser.get(link(subscription)).text
    return browser.post(link(subscription, step), typed, follow=True)


def words_of(browser: Client, subscription: Subscription) -> tuple[str, str]:
    """The digest in the form that begins a newsletter, and what stands at its button."""
    found = re.search(
        r'name="wording" value="(\w+)">\s*<p class="small" dir="auto">([^<]+)<',
        browser.get(link(subscription)).text,
    )
    assert found
    return found[1], unescape(found[2])


def events(subscription: Subscription) -> list[tuple[str, str]]:
    rows = ConsentEvent.objects.filter(subscriber=subscription.subscriber)
    return list(rows.values_list("kind", "method"))
