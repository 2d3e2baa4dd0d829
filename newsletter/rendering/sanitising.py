"""Turning whatever HTML comes in into what a body may hold."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import nh3

from newsletter.rendering.balancing import balanced
from newsletter.rendering.blocks import ATTRIBUTES, CLASSES, TAGS
from newsletter.rendering.characters import without_strays

HOST_FIRST = re.compile(r"[\w-]+(\.[\w-]+)*\.[a-z]{2,}(:\d+)?([/?#]|$)", re.IGNORECASE)
BLOCK_NAMES = frozenset({"take", "also", "joke", "sponsor", "feedback", "subscribe"})
LARGEST_SIDE = 10_000
FIELD_NAME = re.compile(r"[a-z](?:[a-z_]{0,28}[a-z])?")
SPAN = re.compile(r"<span([^>]*)>|</span>")


def sanitise(html: str) -> str:
    """The stored form of a body: only the blocks of blocks.py, no script, no slot mark, addresses made whole."""
    # Twice: an entity such as &#xe000; becomes a character only in the parser.
    cleaned = without_strays(CLEANER.clean(balanced(without_strays(html))))
    cleaned = _without_idle_spans(cleaned).strip()
    return "" if cleaned in {"<p></p>", "<p><br></p>"} else cleaned


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name in {"href", "src"}:
        # Pictures: https alone. The pages' content security policy shows no others, nor do many mail programs.
        return address(value, schemes=("http:", "https:", "mailto:") if tag == "a" else ("https:",))
    if name in {"width", "height", "start"}:
        return value if value.isascii() and value.isdigit() and 0 < int(value) <= LARGEST_SIDE else None
    if name == "class":
        return " ".join(each for each in value.split() if each in CLASSES.get(tag, ())) or None
    if name == "data-block":
        return value if value in BLOCK_NAMES else None
    if name == "data-field":
        return value if FIELD_NAME.fullmatch(value) else None
    return value


def _without_idle_spans(html: str) -> str:
    """A span that names no field goes, and its words stay. The cleaner leaves every tag closed, and no ">" in one."""
    kept: list[bool] = []

    def tag(match: re.Match[str]) -> str:
        if match[0] == "</span>":
            return match[0] if kept.pop() else ""
        kept.append(" data-field=" in match[1])
        return match[0] if kept[-1] else ""

    return SPAN.sub(tag, html)


def address(value: str, *, schemes: tuple[str, ...]) -> str | None:
    """An address that can be followed from a mail, or None. "example.com/page" was meant as https://example.com/page."""
    whole = "".join(without_strays(value).split())
    if not can_be_split(whole):
        return None
    if whole.lower().startswith(schemes):
        return whole
    if HOST_FIRST.match(whole):
        return f"https://{whole}"
    # A path on our own site; "//host" and "/\\host" would lead to another one.
    return whole if whole.startswith("/") and not whole.startswith(("//", "/\\")) else None


def can_be_split(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:  # "http://[": half an IPv6 address
        return False
    return True


CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes=ATTRIBUTES,
    allowed_classes=CLASSES,
    attribute_filter=_attribute,
    link_rel=None,
    url_schemes={"http", "https", "mailto"},
)
