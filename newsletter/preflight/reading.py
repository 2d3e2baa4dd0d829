"""An issue's words as the checks read them: plain values, no row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lxml import html

from newsletter.rendering.characters import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

INLINE = frozenset({"a", "strong", "em", "s", "code", "span"})
SAID = ("data-title", "data-strapline", "data-question", "alt")  # attributes that readers read
QUOTED = 60  # characters of a place in the text that are shown


@dataclass(frozen=True, slots=True)
class Link:
    href: str  # "" when it lost its address: it leads nowhere
    text: str
    is_button: bool = False
    holds_picture: bool = False

    @property
    def place(self) -> str:
        return quoted(self.text) or shortened(self.href)


@dataclass(frozen=True, slots=True)
class Image:
    src: str
    alt: str | None  # "" is one that says nothing, on purpose
    caption: str = ""


@dataclass(frozen=True)
class Copy:
    """What an editor wrote; everything that is read from the body is read once."""

    subject: str
    preheader: str
    body: str
    language: str = "en"

    @cached_property
    def root(self) -> HtmlElement:
        return html.fragment_fromstring(self.body or "<p></p>", create_parent="div")

    @cached_property
    def blocks(self) -> tuple[str, ...]:
        """The text of each paragraph, heading, item and caption, and the words that stand in attributes."""
        return (*_blocks(self.root, with_code=True), *self._attributes)

    @cached_property
    def prose(self) -> tuple[str, ...]:
        """The same without what is set as code: there braces are what they are."""
        return (*_blocks(self.root, with_code=False), *self._attributes)

    @property
    def _attributes(self) -> list[str]:
        return [
            one_line(element.get(name, ""))
            for element in self.root.iter()
            for name in SAID
            if element.get(name)
        ]

    @cached_property
    def letters(self) -> int:
        return sum(len(block) for block in self.blocks)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        return tuple(
            Link(
                href=element.get("href", "").strip(),
                text=one_line(element.text_content()),
                is_button="btn" in element.get("class", "").split(),
                holds_picture=element.find(".//img") is not None,
            )
            for element in self.root.iter("a")
        )

    @cached_property
    def images(self) -> tuple[Image, ...]:
        return tuple(
            Image(element.get("src", ""), element.get("alt"), _caption(element))
            for element in self.root.iter("img")
        )

    @cached_property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """(field, what stands there for whoever has none) of each merge field."""
        return tuple(
            (element.get("data-field", ""), element.get("data-fallback", ""))
            for element in self.root.xpath(".//span[@data-field]")
        )


def quoted(text: str) -> str:
    return f"“{shortened(text)}”" if text.strip() else ""


def shortened(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= QUOTED else f"{text[: QUOTED - 1]}…"


def around(text: str, start: int, end: int) -> str:
    """The words in question with some before and after them, for finding them in the text."""
    first, last = max(0, start - 20), min(len(text), end + 20)
    first = text.rfind(" ", 0, first) + 1 if first else 0
    space = text.find(" ", last) if " " in text[last:] else len(text)
    last = space if space <= last + 15 else last
    return f"“{'…' if first else ''}{one_line(text[first:last])}{'…' if last < len(text) else ''}”"


def _caption(element: HtmlElement) -> str:
    figure = next(element.iterancestors("figure"), None)
    caption = figure.find(".//figcaption") if figure is not None else None
    return one_line(caption.text_content()) if caption is not None else ""


def _blocks(root: HtmlElement, *, with_code: bool) -> Iterator[str]:
    lines: list[list[str]] = [[]]
    _take(root, lines, with_code=with_code)
    for line in lines:
        if text := one_line("".join(line)):
            yield text


def _take(element: HtmlElement, lines: list[list[str]], *, with_code: bool) -> None:
    breaks = element.tag not in INLINE
    if breaks:
        lines.append([])
    if with_code or element.tag != "code":
        lines[-1].append(element.text or "")
        for child in element:
            _take(child, lines, with_code=with_code)
            lines[-1].append(child.tail or "")
    if breaks:
        lines.append([])
