"""What may be saved as an issue's text: cleaned, or refused with words that say where and what to do."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from lxml import html

from newsletter.models.reader_field import FIRST_NAME
from newsletter.rendering import balancing, merges, sanitising
from newsletter.rendering.characters import without_strays

if TYPE_CHECKING:
    from lxml.html import HtmlElement

LARGEST_BODY = 2 * 1024 * 1024
MOST_LINKS = 10_000
# More of them would only hide the first ones.
MOST_ERRORS = 5
LINK = re.compile(r"<a\s", re.IGNORECASE)
# Written as one character and stored as several: an "&" that begins no entity, a space that does not break.
GROWING = re.compile(r"&(?!#?\w{1,32};)|\xa0")
GROWTH = len("&amp;") - len("&")


def cleaned(body: str) -> str:
    """The stored form of what an editor wrote."""
    _refuse_too_much(body)
    stored = sanitising.sanitise(body)
    _refuse_too_much(stored)  # what could not be saved a second time is not saved once
    _refuse([*_errors(_tree(balancing.balanced(body))), *_idle_buttons(_tree(stored))])
    return stored


def stored_size(body: str) -> int:
    """In bytes, and without cleaning it: of what stands for itself, about as many as will be stored."""
    return len(body.encode(errors="replace")) + GROWTH * len(GROWING.findall(body))


def check_fields(stored: str, *, own: Collection[str]) -> None:
    """What an issue says of each reader must be something that its newsletter knows; `own` are the names it gave."""
    named = {field for field, _fallback in merges(stored).values()}
    unknown = sorted(named - {FIRST_NAME, *own})
    words = _(
        "This newsletter knows no “%(name)s” of its readers. Take the field out, or choose one from the menu."
    )
    _refuse([ValidationError(words, code="unknown_field", params={"name": name}) for name in unknown])


def _refuse(errors: list[ValidationError]) -> None:
    if errors:
        raise ValidationError(errors[:MOST_ERRORS])


def _refuse_too_much(body: str) -> None:
    """Before anything looks closer, so that it is said at once."""
    size = stored_size(body)
    if size > LARGEST_BODY:
        raise ValidationError(
            _(
                "The text is too long to be mailed: %(size)s, and %(limit)s is the most. Was a picture pasted in?"
            ),
            code="too_long",
            params={"size": filesizeformat(size), "limit": filesizeformat(LARGEST_BODY)},
        )
    links = len(LINK.findall(body))
    if links > MOST_LINKS:
        raise ValidationError(
            _("The text has %(links)s links, and %(limit)s is the most. Split it into several issues."),
            code="too_many_links",
            params={"links": f"{links:,}", "limit": f"{MOST_LINKS:,}"},
        )


def _tree(markup: str) -> HtmlElement:
    return html.fragment_fromstring(without_strays(markup), create_parent="div")


def _errors(root: HtmlElement) -> Iterator[ValidationError]:
    for picture in root.iter("img"):
        if (address := picture.get("src", "").strip()).lower().startswith("http:"):
            yield ValidationError(
                _("A picture’s address must begin with https://, or readers would not see it: %(address)s"),
                code="plain_picture",
                params={"address": Truncator(address).chars(100)},
            )
    for span in root.iter("span"):
        if "data-field" in span.attrib or "field" in span.get("class", "").split():
            yield from _field_errors(span)


def _field_errors(span: HtmlElement) -> Iterator[ValidationError]:
    name = span.get("data-field", "").strip()
    if len(span) or not sanitising.FIELD_NAME.fullmatch(name):
        yield ValidationError(
            _("A reader’s field is broken: “%(words)s”. Take it out, and put it in again from the menu."),
            code="broken_field",
            params={"words": Truncator(" ".join(span.text_content().split()) or name).chars(60)},
        )


def _idle_buttons(root: HtmlElement) -> Iterator[ValidationError]:
    for paragraph in root.iterfind(".//p[@class='cta']"):
        if paragraph.find("a[@href]") is None:
            yield ValidationError(
                _("The button “%(words)s” leads nowhere. Give it an address, or take it out."),
                code="idle_button",
                params={"words": Truncator(" ".join(paragraph.text_content().split())).chars(60)},
            )
