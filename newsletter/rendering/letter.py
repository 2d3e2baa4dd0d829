"""A letter to one reader, as HTML and as text: the look of the issues' mail around a few words and one button.

`Masthead.language` is the language that is active; what was rendered is kept by it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from css_inline import CSSInliner
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from newsletter.rendering import document, mail, markup
from newsletter.rendering.characters import one_line, without_strays
from newsletter.rendering.content import Masthead, cleaned
from newsletter.rendering.folding import WIDTH, folded, hung, underlined
from newsletter.rendering.palette import Palette, palette
from newsletter.rendering.text import Walker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = Path(__file__).parent
CSS = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in ("mail.css", "letter.css"))

# Where a reader's own address goes: a name that is nobody's (RFC 6761 6.4), in no text that anybody writes.
PLACE = "https://{}.place.invalid/"
BULLETS = ("- ", "* ", "• ")
SCHEMES = r"(?:https?://|mailto:)"
# A bare address ends before the full stop of its sentence.
LINK = re.compile(
    rf"\[(?P<words>[^\[\]]+)\]\((?P<url>{SCHEMES}[^\s()]+)\)|(?P<bare>https?://[^\s<>()]*[^\s<>().,;:!?…'\"])"
)


@dataclass(frozen=True, slots=True)
class Link:
    words: str
    url: str  # absolute


@dataclass(frozen=True, slots=True)
class Letter:
    """What it says, in the language that is active while it is written; empty parts are left out."""

    subject: str
    preheader: str
    heading: str
    body: str  # stored HTML, as an issue's
    button: Link
    lead: str = ""  # above the names, where there are several
    names: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()  # in small print below the button
    spells_link_out: bool = False  # for mail programs that swallow buttons
    why: str = ""
    links: tuple[Link, ...] = ()  # at the very end


def letter_html(letter: Letter, masthead: Masthead) -> str:
    return _with_urls(_html(*_without_urls(letter, masthead)), letter, written=escape)


def letter_text(letter: Letter, masthead: Masthead) -> str:
    return _with_urls(_text(*_without_urls(letter, masthead)), letter, written=str)


def _without_urls(letter: Letter, masthead: Masthead) -> tuple[Letter, Masthead]:
    """The same for all readers of a newsletter, as a rule: it is made once, and each gets their own links put in."""
    links = tuple(Link(link.words, PLACE.format(number)) for number, link in enumerate(letter.links, 1))
    button = Link(letter.button.words, PLACE.format(0))
    return replace(_cleaned(letter), button=button, links=links), cleaned(masthead)


def _with_urls(face: str, letter: Letter, *, written: Callable[[str], str]) -> str:
    for number, link in enumerate([letter.button, *letter.links]):
        face = face.replace(PLACE.format(number), written(link.url))
    return face


@lru_cache(maxsize=128)
def _html(letter: Letter, masthead: Masthead) -> str:
    tones = palette(masthead.accent)
    context = {
        "letter": letter,
        "masthead": masthead,
        "palette": tones,
        "body": mark_safe(_body(letter, masthead=masthead)),  # sanitised by document.read, escaped by markup
        "button": mark_safe(mail.button_to(letter.button.url, label=letter.button.words, tones=tones)),
        "padding": mail.PADDING,
    }
    return _inliner(tones).inline(render_to_string("email/letter.html", context))


@lru_cache(maxsize=128)
def _text(letter: Letter, masthead: Masthead) -> str:
    walker = Walker(masthead)
    root = document.read(letter.body, base=masthead.url, direction=masthead.direction)
    parts = [
        one_line(masthead.name),
        underlined(one_line(letter.heading), stroke="="),
        *walker.flow(root, width=WIDTH),
        *_names(letter),
        f"{folded(f'→ {one_line(letter.button.words)}')}\n  {letter.button.url}",
        *(folded(words) for words in letter.asides),
        *walker.list_of_links(),
        _foot(letter, masthead),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def html_of(text: str) -> str:
    """Stored HTML of words as a person types them: an empty line begins a paragraph, lines after "- " are a list,
    an address becomes a link, and [words](address) are linked."""
    blocks = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip())
    return "".join(_block(lines) for block in blocks for lines in _runs(block.split("\n")))


def _runs(lines: list[str]) -> Iterator[list[str]]:
    """Lines of a list, and lines of no list, each together."""
    stripped = (line.strip() for line in lines if line.strip())
    return (list(run) for _is_list, run in groupby(stripped, key=lambda line: line.startswith(BULLETS)))


def _block(lines: list[str]) -> str:
    if not lines[0].startswith(BULLETS):
        return markup.tag("p", markup.tag("br").join(map(_linked, lines)))
    return markup.tag("ul", "".join(markup.tag("li", _linked(line[2:].strip())) for line in lines))


def _linked(line: str) -> str:
    parts, end = [], 0
    for match in LINK.finditer(line):
        words, url = match["words"] or match["bare"], match["url"] or match["bare"]
        parts += [escape(line[end : match.start()], quote=False)]
        parts += [markup.tag("a", escape(words, quote=False), href=url)]
        end = match.end()
    return "".join([*parts, escape(line[end:], quote=False)])


def _names(letter: Letter) -> list[str]:
    if not letter.names:
        return []
    names = "\n".join(hung(folded(name, width=WIDTH - 2), first="- ", rest="  ") for name in letter.names)
    return [folded(letter.lead), names]


def _foot(letter: Letter, masthead: Masthead) -> str:
    lines = [folded(words) for words in (letter.why, one_line(masthead.postal_address)) if words]
    ends = [f"{link.words}: {link.url}" for link in letter.links]
    return "\n".join(["-" * WIDTH, *lines, *([""] if ends else []), *ends])


def _body(letter: Letter, *, masthead: Masthead) -> str:
    return markup.lines(document.read(letter.body, base=masthead.url, direction=masthead.direction), {})


@lru_cache(maxsize=64)
def _inliner(tones: Palette) -> CSSInliner:
    return CSSInliner(
        inline_style_tags=False,
        keep_style_tags=True,
        minify_css=True,
        load_remote_stylesheets=False,
        extra_css=Template(CSS).substitute(asdict(tones)),
    )


def _cleaned(letter: Letter) -> Letter:
    """Without characters that no mail can carry."""
    texts: dict[str, Any] = {
        field.name: without_strays(value)
        for field in fields(letter)
        if isinstance(value := getattr(letter, field.name), str)
    }
    return replace(letter, **texts, names=tuple(map(without_strays, letter.names)))
