"""The mail's HTML face: tables, style attributes and one kept style element, as mail programs need it."""

from __future__ import annotations

import re
from dataclasses import asdict
from functools import lru_cache, partial
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from css_inline import CSSInliner
from django.template.loader import render_to_string
from django.utils.dateformat import format as format_date
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from newsletter.rendering import document, markup, merging
from newsletter.rendering.characters import columns, one_line
from newsletter.rendering.content import Edition, Masthead, cleaned
from newsletter.rendering.markup import Maker, tag
from newsletter.rendering.palette import Palette, palette
from newsletter.rendering.stencil import slot
from newsletter.rendering.web import promise

if TYPE_CHECKING:
    import datetime

    from lxml.html import HtmlElement

CSS = Template((Path(__file__).parent / "mail.css").read_text(encoding="utf-8"))
# The text column: 600 pixels less 40 on either side.
COLUMN = 520
# And inside a box with a ground or a border, which has 26 pixels on either side.
COLUMN_IN_A_BOX = 466
# The cover goes from edge to edge.
CARD = 600
# Inboxes fill the preview line with the mail's first words; these invisible ones keep them out.
PADDING = "\u034f\u2007" * 40


def mail_html(edition: Edition, masthead: Masthead) -> str:
    """A whole HTML document with a slot for the reader's unsubscribe link."""
    edition, masthead = cleaned(edition), cleaned(masthead)
    tones = palette(masthead.accent)
    context = {
        "edition": edition,
        "masthead": masthead,
        "palette": tones,
        "body": mark_safe(_body(edition, masthead=masthead)),  # sanitised by document.read, escaped by markup
        "published_on": day(edition.published_on),
        "note": paragraphs(edition.note),
        "padding": PADDING if edition.preheader else "",
        "cover": mark_safe(_cover(edition)),
        "unsubscribe_url": slot("unsubscribe_url"),
        "read_url": read_url(edition),
    }
    return _inliner(tones).inline(render_to_string("email/issue.html", context))


def read_url(edition: Edition) -> str:
    """The issue's page; of one that is for readers only, each has a link of their own."""
    return slot("web_url") if edition.is_for_readers else edition.url


def paragraphs(words: str) -> list[str]:
    """Plain words as they were typed: an empty line begins a new paragraph."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", words) if part.strip()]


def day(date: datetime.date | None) -> str:
    return format_date(date, pgettext("an issue's date in Django's date format", "l, j F Y")) if date else ""


@lru_cache(maxsize=64)
def _inliner(tones: Palette) -> CSSInliner:
    return CSSInliner(
        inline_style_tags=False,
        keep_style_tags=True,
        minify_css=True,
        load_remote_stylesheets=False,
        extra_css=CSS.substitute(asdict(tones)),
    )


def _body(edition: Edition, *, masthead: Masthead) -> str:
    root = document.read(
        edition.body,
        base=edition.url,
        direction=masthead.direction,
        face=merging.HTML,
        own_links=edition.own_links,
    )
    tones = palette(masthead.accent)
    makers: dict[str, Maker] = {
        "picture": _picture,
        "img": lambda element, _inner: _image(element),
        "button": partial(_button, tones=tones),
        "take": partial(_labelled, name="take", default=_("Our take")),
        "also": partial(_labelled, name="also", default=_("Also worth noting")),
        "sponsor": partial(_labelled, name="sponsor", default=_("Sponsored")),
        "feedback": _feedback,
        "joke": lambda _element, inner: tag("div", inner, class_="joke"),
        "hr": lambda _element, _inner: '<p class="dots" role="separator">•&ensp;•&ensp;•</p>',
        "subscribe": partial(_subscribe_box, masthead=masthead),
    }
    return markup.lines(root, makers)


def _box(inner: str, *, name: str) -> str:
    sizes = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
    return f'<table class="box {name}" {sizes}><tr><td class="inside">{inner}</td></tr></table>'


def _labelled(element: HtmlElement, inner: str, *, name: str, default: str) -> str:
    title = one_line(element.get("data-title", "")) or default
    return _box(tag("p", escape(title, quote=False), class_="label ui") + inner, name=name)


def _picture(element: HtmlElement, inner: str) -> str:
    image, caption = element.find(".//img"), element.find(".//figcaption")
    words = tag("p", markup.contents(caption, {}), class_="ui") if caption is not None else ""
    return tag("div", _image(image) + words, class_="picture")


def _image(element: HtmlElement) -> str:
    """Sizes stay in the attributes for Outlook, which knows no max-width.

    Elsewhere the style rules: where a picture does not load, a width in pixels would push the mail off a phone.
    """
    width, height = int(element.get("width", 0)), int(element.get("height", 0))
    is_in_a_box = next(element.iterancestors("aside"), None) is not None
    most = COLUMN_IN_A_BOX if is_in_a_box else COLUMN
    src, alt = element.get("src", ""), element.get("alt", "")
    return _sized(src, alt=alt, width=width or most, height=height if width else 0, most=most)


def _sized(src: str, *, alt: str, width: int, height: int, most: int) -> str:
    shown = min(width, most)
    tall = str(max(1, round(height * shown / width))) if height else None
    style = f"width:100%;max-width:{shown}px;height:auto"
    return tag("img", src=src, alt=alt, width=str(shown), height=tall, style=style)


def _cover(edition: Edition) -> str:
    cover = edition.cover
    if cover is None:
        return ""
    return _sized(cover.src, alt=cover.alt, width=cover.width, height=cover.height, most=CARD)


def _button(element: HtmlElement, _inner: str, *, tones: Palette) -> str:
    link = element[0]
    return button_to(link.get("href", ""), label=one_line(link.text_content()), tones=tones)


def button_to(href: str, *, label: str, tones: Palette) -> str:
    """Outlook paints the VML shape and hides the link; everybody else sees only the link."""
    width = columns(label) * 10 + 56
    vml = (
        f'<!--[if mso]><v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" href="{escape(href)}"'
        f' style="height:46px;v-text-anchor:middle;width:{width}px" arcsize="9%" stroke="f" fillcolor="{tones.fill}">'
        f'<center style="color:#ffffff;font:bold 16px Arial,sans-serif">{escape(label)}</center></v:roundrect>'
        "<![endif]-->"
    )
    return tag("p", vml + tag("a", escape(label, quote=False), href=href), class_="button")


def _subscribe_box(element: HtmlElement, _inner: str, *, masthead: Masthead) -> str:
    line = one_line(element.get("data-strapline", "")) or masthead.tagline or masthead.name
    button = button_to(masthead.subscribe_url, label=_("Subscribe"), tones=palette(masthead.accent))
    return _box(
        tag("p", escape(line, quote=False), class_="strapline")
        + button
        + tag("p", promise(masthead), class_="promise ui"),
        name="subscribe",
    )


def _feedback(element: HtmlElement, _inner: str) -> str:
    """Three plain links: what is pressed is asked once more on a page, since scanners open every link, too."""
    question, words = feedback(element)
    answers = " &nbsp;·&nbsp; ".join(
        tag("a", escape(word, quote=False), href=f"{slot('feedback_url')}?answer={answer}")
        for answer, word in words.items()
    )
    return _box(
        tag("p", escape(question, quote=False), class_="question") + tag("p", answers, class_="answers ui"),
        name="feedback",
    )


def feedback_question(body: str) -> str:
    """What an issue asks at its end, for the page that the links lead to."""
    asked = document.first(body, kind="feedback")
    return _("Was this good?") if asked is None else feedback(asked)[0]


def feedback(element: HtmlElement) -> tuple[str, dict[str, str]]:
    """The question and the words for each answer, by what its link says."""
    question = one_line(element.get("data-question", "")) or _("Was this good?")
    return question, {"good": _("Good"), "fair": _("So-so"), "poor": _("Not good")}
