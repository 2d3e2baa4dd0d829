"""The web face: the fragment inside <article class="issue-body">."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from newsletter.rendering import document, markup
from newsletter.rendering.characters import one_line
from newsletter.rendering.content import Edition, Masthead, cleaned
from newsletter.rendering.markup import Maker, tag

if TYPE_CHECKING:
    from lxml.html import HtmlElement


def web(edition: Edition, masthead: Masthead) -> SafeString:
    edition, masthead = cleaned(edition), cleaned(masthead)
    root = document.read(
        edition.body, base=edition.url, direction=masthead.direction, own_links=edition.own_links
    )
    makers: dict[str, Maker] = {
        "picture": _picture,
        "take": partial(_labelled, default=_("Our take")),
        "also": partial(_labelled, default=_("Also worth noting")),
        "sponsor": _sponsor,
        "feedback": lambda _element, _inner: (
            ""
        ),  # whoever reads the page has no link of their own to answer by
        "img": lambda element, _inner: tag("img", **{"alt": "", **element.attrib}),
        "joke": lambda _element, inner: tag("aside", inner, class_="joke"),
        "subscribe": lambda element, _inner: subscribe_box(
            masthead, strapline=element.get("data-strapline", "")
        ),
    }
    # Every part went through markup, which escapes; the tree went through the sanitiser.
    return mark_safe(markup.lines(root, makers))


def _sponsor(element: HtmlElement, inner: str) -> str:
    """Its links are marked for search engines, as these ask."""
    marked = inner.replace('<a href="', '<a rel="sponsored" href="').replace(
        '<a class="btn" href="', '<a rel="sponsored" class="btn" href="'
    )
    return _labelled(element, marked, default=_("Sponsored"))


def _labelled(element: HtmlElement, inner: str, *, default: str) -> str:
    title = one_line(element.get("data-title", "")) or default
    label = tag("p", escape(title, quote=False), class_="block-label")
    return tag(str(element.tag), label + inner, class_=element.get("data-block"), aria_label=title)


def _picture(element: HtmlElement, inner: str) -> str:
    return tag("figure", inner.replace("<img ", '<img loading="lazy" decoding="async" ', 1), class_="img")


def subscribe_box(masthead: Masthead, *, strapline: str = "", action: str = "") -> SafeString:
    """For a body, and for the pages around it; a form without script, cookie or token.

    In a feed its address must be whole; a page of ours says with `action` that the form stays on the host one is on.
    """
    line = one_line(strapline) or masthead.tagline or masthead.name
    field = {"type": "email", "name": "email", "autocomplete": "email", "maxlength": "254", "required": ""}
    email = tag("span", escape(_("Your e-mail address")), class_="visually-hidden")
    email += tag("input", placeholder=_("you@example.com"), **field)
    trap = escape(_("Leave this empty")) + tag("input", name="website", tabindex="-1", autocomplete="off")
    form = tag(
        "form",
        tag("label", email)
        + tag("label", trap, class_="honeypot", aria_hidden="true")
        + _worded(masthead)
        + tag("button", escape(_("Subscribe")), type="submit", class_="btn"),
        method="post",
        action=action or masthead.subscribe_url,
    )
    box = tag("p", escape(line, quote=False), class_="strapline", dir="auto") + form
    box += tag("p", promise(masthead), class_="promise")
    if masthead.agreement:
        box += tag("p", escape(masthead.agreement, quote=False), class_="agreement", dir="auto")
    label = _("Subscribe to %s") % masthead.name
    return mark_safe(tag("section", box, class_="subscribe-box", aria_label=label))


def _worded(masthead: Masthead) -> str:
    """The post says by it what stood at the form; the same on every copy of the page, wherever it is kept."""
    wording = masthead.agreement_digest
    return tag("input", type="hidden", name="wording", value=wording) if wording else ""


def promise(masthead: Masthead) -> str:
    """The honest count, when one is claimed, and the way out."""
    way_out = escape(_("Unsubscribe any time."), quote=False)
    if not masthead.readers_claim:
        return way_out
    trusted = _("Trusted by %s readers.") % masthead.readers_claim
    return f"{tag('strong', escape(trusted, quote=False))} {way_out}"
