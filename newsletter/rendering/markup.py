"""Writing HTML from a body's tree, with each face's own form for the blocks it treats differently."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING

from newsletter.rendering.document import kind

if TYPE_CHECKING:
    from lxml.html import HtmlElement

VOID = frozenset({"br", "hr", "img", "input"})
Maker = Callable[["HtmlElement", str], str]


def written(element: HtmlElement, makers: Mapping[str, Maker]) -> str:
    """One element with all that is in it; a maker gets the element and its contents already written."""
    inner = contents(element, makers)
    maker = makers.get(kind(element))
    return maker(element, inner) if maker else tag(str(element.tag), inner, **dict(element.attrib))


def contents(element: HtmlElement, makers: Mapping[str, Maker]) -> str:
    parts = [escape(element.text or "", quote=False)]
    for child in element:
        parts += [written(child, makers), escape(child.tail or "", quote=False)]
    return "".join(parts)


def lines(element: HtmlElement, makers: Mapping[str, Maker]) -> str:
    """The contents with each block on a line of its own: a mail's lines should not be endless."""
    return "\n".join(filter(None, (written(child, makers) for child in element)))


def tag(name: str, inner: str = "", /, **attributes: str | None) -> str:
    """A tag with escaped attributes; None leaves one out. class_ and aria_label are written as Python must."""
    pairs = "".join(
        f' {attribute_name(key)}="{escape(value)}"' for key, value in attributes.items() if value is not None
    )
    return f"<{name}{pairs}>" if name in VOID else f"<{name}{pairs}>{inner}</{name}>"


def attribute_name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
