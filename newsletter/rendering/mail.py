"""The mail's HTML face: tables, style attributes and one kept style element, as mail programs need it."""

from __future__ import annotations

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

from newsletter.rendering import document, markup
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
        "padding": PADDING if edition.preheader else "",
        "unsubscribe_url": slot("unsubscribe_url"),
    }
    return _inliner(tones).inline(render_to_string("email/issue.html", context))


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
    root = document.read(edition.body, base=edition.url, direction=masthead.direction)
    tones = palette(masthead.accent)
    makers: dict[str, Maker] = {
        "picture": _picture,
        "img": lambda element, _inner: _image(element),
        "button": partial(_button, tones=tones),
        "take": partial(_labelled, name="take", default=_("Our take")),
        "also": partial(_labelled, name="also", default=_("Also worth noting")),
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
    shown = min(width or COLUMN, COLUMN)
    tall = str(round(height * shown / width)) if width and height else None
    style = f"width:100%;max-width:{shown}px;height:auto"
    return tag(
        "img", src=element.get("src"), alt=element.get("alt", ""), width=str(shown), height=tall, style=style
    )


def _button(element: HtmlElement, _inner: str, *, tones: Palette) -> str:
    link = element[0]
    return _button_to(link.get("href", ""), label=one_line(link.text_content()), tones=tones)


def _button_to(href: str, *, label: str, tones: Palette) -> str:
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
    button = _button_to(masthead.subscribe_url, label=_("Subscribe"), tones=palette(masthead.accent))
    return _box(
        tag("p", escape(line, quote=False), class_="strapline")
        + button
        + tag("p", promise(masthead), class_="promise ui"),
        name="subscribe",
    )
