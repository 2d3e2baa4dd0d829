"""A body as a tree the three faces walk: sanitised again, tidied, every address absolute."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from lxml import html

from newsletter.rendering import merging
from newsletter.rendering.characters import direction_of
from newsletter.rendering.sanitising import sanitise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.html import HtmlElement

INLINE = frozenset({"a", "strong", "em", "s", "code", "br", "span"})
BOXES = {
    "take": "aside",
    "joke": "aside",
    "sponsor": "aside",
    "also": "section",
    "subscribe": "div",
    "feedback": "div",
}
TURNING = frozenset({"p", "h2", "h3", "li", "figcaption"})
# Nobody writes this deep by hand; the walkers recurse, and Python's stack is finite.
DEEPEST = 24


NO_LINKS: Mapping[str, str] = MappingProxyType({})


def read(
    body: str, *, base: str, direction: str, face: str = "", own_links: Mapping[str, str] = NO_LINKS
) -> HtmlElement:
    """The body's root element. base is the issue's own address, direction the newsletter's (ltr or rtl).

    With a face of the mail, merge fields are its slots; without one they are what is said where nothing is known.
    `own_links` are put in place of the addresses they are for.
    """
    root = _tidied(body)
    _complete_addresses(root, base=base)
    for link in root.iter("a") if own_links else ():
        link.set("href", own_links.get(link.get("href", ""), link.get("href", "")))
    _turn(root, direction=direction)
    if face:
        merging.put_slots(root, face=face)
    else:
        merging.take_out(root)
    return root


def merges(body: str) -> dict[str, list[str]]:
    """By slot of either face: the reader's field that goes there, and what stands there where it is not known."""
    return merging.found(_tidied(body)) if "data-field" in body else {}


def first(body: str, *, kind: str) -> HtmlElement | None:
    """The first block of a kind that is not in the flow of words: the feedback line, a subscribe box."""
    found = _tidied(body).xpath(".//*[@data-block=$kind]", kind=kind) if kind in body else []
    return found[0] if found else None


def _tidied(body: str) -> HtmlElement:
    root = html.fragment_fromstring(sanitise(body) or "<p></p>", create_parent="div")
    _flatten(root)
    _unwrap(root)
    for paragraph in root.xpath(".//p[contains(@class, 'cta')] | .//a[@class]"):
        if not is_button(paragraph) and not is_button(paragraph.getparent()):
            paragraph.attrib.pop("class", None)
    _wrap_loose_text(root)
    _drop_blanks(root)
    _loosen_items(root)
    return root


def kind(element: HtmlElement) -> str:
    """What a face must make of an element: a block's name, or the plain tag."""
    if is_button(element):
        return "button"
    if element.tag == "figure":
        return "picture"
    name = element.get("data-block") if element.tag in BOXES.values() else None
    return name or str(element.tag)


def is_button(element: HtmlElement) -> bool:
    """A paragraph that holds one link and nothing else. A button that lost its address is only words."""
    if element.tag != "p" or element.get("class") != "cta" or len(element) != 1:
        return False
    link = element[0]
    around = (element.text or "") + (link.tail or "")
    return (
        link.tag == "a"
        and bool(link.get("href"))
        and not around.strip()
        and bool(link.text_content().strip())
    )


def _flatten(root: HtmlElement) -> None:
    deep = [
        element for element in root.iterdescendants() if sum(1 for _ in element.iterancestors()) > DEEPEST
    ]
    for element in reversed(deep):
        element.drop_tag()


def _unwrap(root: HtmlElement) -> None:
    """Drop the tag, never the words, of what has lost its meaning."""
    for element in root.xpath(".//img[not(@src)]"):
        element.drop_tree()
    for element in root.xpath(".//a[not(@href)] | .//figure[not(img)] | .//div | .//aside | .//section"):
        if element.tag in {"a", "figure"} or BOXES.get(element.get("data-block", "")) != element.tag:
            element.drop_tag()
    for element in list(root.iter("span")):
        if not merging.is_field(element):
            element.drop_tag()
    merging.say_fallbacks(root)


def _wrap_loose_text(root: HtmlElement) -> None:
    """Words that stand in the root itself get a paragraph."""
    loose: HtmlElement | None = None
    children, text, root.text = list(root), root.text, None
    if text and text.strip():
        loose = html.Element("p")
        loose.text = text
        root.insert(0, loose)
    for child in children:
        tail, child.tail = child.tail, None
        if child.tag in INLINE:
            if loose is None:
                loose = html.Element("p")
                child.addprevious(loose)
            loose.append(child)
            child.tail = tail
            continue
        loose = None
        if tail and tail.strip():
            loose = html.Element("p")
            loose.text = tail
            child.addnext(loose)


def _drop_blanks(root: HtmlElement) -> None:
    """The empty paragraph that an editor leaves at the end, and a box nobody wrote anything into."""
    for element in [*root.xpath(".//*[self::aside or self::section or self::blockquote or self::li]"), root]:
        while len(element) and element[-1].tag == "p" and not (element[-1].tail or "").strip():
            if not is_blank(element[-1]):
                break
            element.remove(element[-1])
        if element is not root and is_blank(element):
            element.drop_tree()


def is_blank(element: HtmlElement) -> bool:
    return not element.text_content().strip() and not element.xpath(".//img | .//div | .//span")


def _loosen_items(root: HtmlElement) -> None:
    """<li><p>…</p></li> is how the editor writes it; one paragraph in an item needs no tag of its own."""
    for item in list(root.iter("li")):
        begins_with_paragraph = len(item) > 0 and item[0].tag == "p" and not (item.text or "").strip()
        if begins_with_paragraph and all(child.tag in {"ul", "ol"} for child in item[1:]):
            item[0].drop_tag()


def _complete_addresses(root: HtmlElement, *, base: str) -> None:
    for element in root.xpath(".//*[@href or @src]"):
        name = "href" if element.tag == "a" else "src"
        if element.get(name, "").startswith("/"):
            element.set(name, urljoin(base, element.get(name)))


def _turn(root: HtmlElement, *, direction: str) -> None:
    """Mark the paragraphs that run against the newsletter's direction."""
    for element in root.iter(*TURNING):
        own = direction_of(element.text_content())
        if own and own != direction:
            element.set("dir", own)
