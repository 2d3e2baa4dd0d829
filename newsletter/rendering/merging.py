"""Merge fields: where an issue says something of each reader, and by which slot.

In a body a field is an element that names it and holds what is said to those of whom it is not known. The web shows
that; each face of the mail has a slot there instead. A slot's name comes from the field and its fallback alone, so that
the faces need not agree on anything, and two equal fields are one slot.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from newsletter.rendering.characters import one_line
from newsletter.rendering.sanitising import FIELD_NAME
from newsletter.rendering.stencil import slot

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# By face: the HTML's values are escaped, the text's are not.
HTML, TEXT = "html", "text"


def fields(root: HtmlElement) -> list[HtmlElement]:
    return [element for element in root.iter("span") if is_field(element)]


def is_field(element: HtmlElement) -> bool:
    return element.tag == "span" and FIELD_NAME.fullmatch(element.get("data-field", "")) is not None


def fallback_of(element: HtmlElement) -> str:
    said = element.get("data-fallback")
    return one_line(str(element.text_content()) if said is None else said)


def slot_name(field: str, fallback: str, *, face: str) -> str:
    digest = hashlib.sha256(f"{field}\0{fallback}".encode()).hexdigest()[:8]
    return f"{field}_{digest}_{face}"


def put_slots(root: HtmlElement, *, face: str) -> None:
    """Each field becomes its slot, as mere text."""
    for element in fields(root):
        name = slot_name(element.get("data-field", ""), fallback_of(element), face=face)
        element.text = slot(name)
        element.drop_tag()


def say_fallbacks(root: HtmlElement) -> None:
    """What stands in a field is what is said without it, whatever stood there."""
    for element in fields(root):
        words = fallback_of(element)
        for child in list(element):
            child.drop_tree()
        element.text = words


def take_out(root: HtmlElement) -> None:
    for element in fields(root):
        element.drop_tag()


def found(root: HtmlElement) -> dict[str, list[str]]:
    """By slot of both faces: the field, and what stands there where it is not known."""
    pairs = {(element.get("data-field", ""), fallback_of(element)) for element in fields(root)}
    return {
        slot_name(field, fallback, face=face): [field, fallback]
        for field, fallback in sorted(pairs)
        for face in (HTML, TEXT)
    }
