"""A body as lines of plain text, one for each paragraph, point or block: what a person compares.

Pure; the words for what is no text come in the language that is active.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from lxml import html
from lxml.etree import ParserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

# Elements that hold others and say nothing themselves.
HOLDERS = frozenset({"aside", "section", "div", "ul", "ol", "li", "blockquote", "figure"})
SIGNS = {"h2": "## ", "h3": "### ", "li": "• ", "blockquote": "“ "}


def lines(body: str) -> list[str]:
    try:
        root = html.fragment_fromstring(body, create_parent="div")
    except (ParserError, ValueError):
        return [body]
    return list(_lines(root, sign=""))


def _lines(holder: HtmlElement, *, sign: str) -> Iterator[str]:
    if label := _label(holder):
        yield label
    if holder.text and holder.text.strip():
        yield sign + _spaced(holder.text)
    for child in holder:
        if not isinstance(child.tag, str):
            continue  # a comment
        if child.tag in HOLDERS:
            yield from _lines(child, sign=SIGNS.get(child.tag, sign))
        elif words := _spaced(_said(child)):
            yield SIGNS.get(child.tag, sign) + words
        if child.tail and child.tail.strip():
            yield sign + _spaced(child.tail)


def _label(block: HtmlElement) -> str:
    """What a block says beside its paragraphs."""
    said = [block.get(f"data-{name}", "") for name in ("title", "strapline", "question")]
    name = block.get("data-block", "")
    return f"[{' · '.join(filter(None, [name, *said]))}]" if name else ""


def _said(element: HtmlElement) -> str:
    """Its text, with what only a browser would show: where links lead, and what pictures are of."""
    if element.tag == "hr":
        return "———"
    if element.tag == "br":
        return " "
    if element.tag == "img":
        return str(_("[Picture: %s]") % (element.get("alt") or element.get("src", "")))
    inner = (element.text or "") + "".join(_said(child) + (child.tail or "") for child in element)
    if element.tag == "a" and element.get("href"):
        return f"{inner} <{element.get('href')}>"
    if element.get("data-field"):
        return f"{{{element.get('data-field')}: {inner}}}"
    return inner


def _spaced(text: str) -> str:
    return " ".join(text.split())
