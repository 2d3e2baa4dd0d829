"""The mail's text face, laid out as a person would type it; links are numbered and listed at the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from django.utils.translation import gettext as _

from newsletter.rendering import document, merging
from newsletter.rendering.characters import one_line
from newsletter.rendering.content import Edition, Masthead, cleaned
from newsletter.rendering.document import INLINE
from newsletter.rendering.folding import WIDTH, folded, hung, underlined
from newsletter.rendering.mail import day, feedback, paragraphs, read_url
from newsletter.rendering.stencil import slot

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# HTML's own white space only: a no-break space is there on purpose.
SPACES = re.compile(r"[ \t\n\r\f]+")
STARS = "* * *"
Form = Callable[..., list[str]]


def mail_text(edition: Edition, masthead: Masthead) -> str:
    """A whole text body with a slot for the reader's unsubscribe link."""
    edition, masthead = cleaned(edition), cleaned(masthead)
    walker = Walker(masthead)
    root = document.read(
        edition.body,
        base=edition.url,
        direction=masthead.direction,
        face=merging.TEXT,
        own_links=edition.own_links,
    )
    body = walker.flow(root, width=WIDTH)
    return (
        "\n\n".join([*_head(edition, masthead=masthead), *body, *walker.list_of_links(), _foot(masthead)])
        + "\n"
    )


def _head(edition: Edition, *, masthead: Masthead) -> list[str]:
    nameplate = "\n".join(filter(None, [one_line(masthead.name), day(edition.published_on)]))
    title = underlined(one_line(edition.subject), stroke="=")
    byline = [folded(_("By %s") % one_line(edition.authors))] if edition.authors.strip() else []
    address = _("Read on the web: %s") % read_url(edition)
    return [nameplate, *_note(edition), title, *byline, address, *_cover(edition)]


def _cover(edition: Edition) -> list[str]:
    alt = one_line(edition.cover.alt) if edition.cover else ""
    return [folded(_("[Picture: %s]") % alt)] if alt else []


def _note(edition: Edition) -> list[str]:
    """What the editor says above a correction."""
    words = [folded(words, width=WIDTH - 2) for words in paragraphs(edition.note)]
    return [hung("\n\n".join([_("Correction"), *words]), first="| ")] if words else []


def _foot(masthead: Masthead) -> str:
    return "\n".join(
        [
            "-" * WIDTH,
            folded(_("You get this mail because you subscribed to %s.") % one_line(masthead.name)),
            folded(one_line(masthead.postal_address)),
            "",
            _("Unsubscribe: %s") % slot("unsubscribe_url"),
            _("Manage my subscription: %s") % masthead.manage_url,
            _("All issues: %s") % masthead.url,
        ]
    )


@dataclass(slots=True)
class Walker:
    """Goes through a body once and remembers its links on the way."""

    masthead: Masthead
    links: dict[str, int] = field(default_factory=dict)

    def flow(self, element: HtmlElement, *, width: int) -> list[str]:
        """An element's contents as finished paragraphs; words between blocks make a paragraph of their own."""
        paragraphs, run = [], _spaced(element.text)
        for child in element:
            if child.tag in INLINE or child.tag == "img":
                run += self.inline(child)
            else:
                paragraphs += [folded(run, width=width), *self.block(child, width=width)]
                run = ""
            run += _spaced(child.tail)
        return [paragraph for paragraph in [*paragraphs, folded(run, width=width)] if paragraph.strip()]

    def inline(self, element: HtmlElement) -> str:
        if element.tag == "br":
            return "\n"
        if element.tag == "img":
            return f"[{one_line(element.get('alt', ''))}]" if element.get("alt", "").strip() else ""
        words = _spaced(element.text) + "".join(self.inline(child) + _spaced(child.tail) for child in element)
        return self.linked(words, href=element.get("href", "")) if element.tag == "a" else words

    def linked(self, words: str, *, href: str) -> str:
        """The words and a number; an address that is its own label stands for itself."""
        label = words.strip()
        if href.lower().startswith("mailto:"):
            mailbox = unquote(href[7:].partition("?")[0])
            return words if label == mailbox else f"{words} ({mailbox})" if label else mailbox
        if not label or label in {href, href.partition("://")[2].rstrip("/")}:
            return href
        number = self.links.setdefault(href, len(self.links) + 1)
        return f"{words.rstrip()}\u00a0[{number}]" + " " * words.endswith(" ")

    def block(self, element: HtmlElement, *, width: int) -> list[str]:
        forms: dict[str, Form] = {
            "h2": self.heading,
            "ul": self.items,
            "ol": self.items,
            "blockquote": self.quotation,
            "hr": self.stars,
            "button": self.button,
            "picture": self.picture,
            "take": self.take,
            "also": self.also,
            "sponsor": self.sponsor,
            "feedback": self.feedback,
            "joke": self.joke,
            "subscribe": self.subscribe_box,
        }
        form: Form = forms.get(document.kind(element), self.flow)
        return form(element, width=width)

    def heading(self, element: HtmlElement, *, width: int) -> list[str]:
        return [underlined(words, stroke="-", width=width) for words in self.flow(element, width=width)]

    def quotation(self, element: HtmlElement, *, width: int) -> list[str]:
        return self.beside(element, margin="    " if element.get("class") == "pull" else "> ", width=width)

    def joke(self, element: HtmlElement, *, width: int) -> list[str]:
        return self.beside(element, margin="    ", width=width)

    def stars(self, _element: HtmlElement, *, width: int) -> list[str]:
        return [STARS.center(width).rstrip()]

    def button(self, element: HtmlElement, *, width: int) -> list[str]:
        label = folded(f"→ {one_line(element.text_content())}", width=width)
        return [f"{label}\n  {element[0].get('href')}"]

    def beside(self, element: HtmlElement, *, margin: str, width: int) -> list[str]:
        inside = "\n\n".join(self.flow(element, width=width - len(margin)))
        return [hung(inside, first=margin)] if inside else []

    def take(self, element: HtmlElement, *, width: int) -> list[str]:
        return self.labelled(element, default=_("Our take"), width=width)

    def sponsor(self, element: HtmlElement, *, width: int) -> list[str]:
        return self.labelled(element, default=_("Sponsored"), width=width)

    def feedback(self, element: HtmlElement, *, width: int) -> list[str]:
        question, words = feedback(element)
        address = slot("feedback_url")
        lines = [f"→ {word}: {address}?answer={answer}" for answer, word in words.items()]
        return ["\n".join([folded(question, width=width), *lines])]

    def labelled(self, element: HtmlElement, *, default: str, width: int) -> list[str]:
        title = one_line(element.get("data-title", "")) or default
        inside = "\n\n".join([title, *self.flow(element, width=width - 2)])
        return [hung(inside, first="| ")]

    def also(self, element: HtmlElement, *, width: int) -> list[str]:
        title = one_line(element.get("data-title", "")) or _("Also worth noting")
        return [underlined(title, stroke="-", width=width), *self.flow(element, width=width)]

    def items(self, element: HtmlElement, *, width: int) -> list[str]:
        first = int(element.get("start", 1))
        bullets = [f"{first + place}. " if element.tag == "ol" else "- " for place in range(len(element))]
        texts = [
            hung("\n".join(self.flow(item, width=width - len(bullet))), first=bullet, rest=" " * len(bullet))
            for item, bullet in zip(element, bullets, strict=True)
        ]
        gap = "\n\n" if any("\n" in text for text in texts) else "\n"
        return [gap.join(texts)] if texts else []

    def picture(self, element: HtmlElement, *, width: int) -> list[str]:
        image, caption = element.find(".//img"), element.find(".//figcaption")
        shown = _("[Picture: %s]") % one_line(image.get("alt", "")) if image.get("alt", "").strip() else ""
        words = self.flow(caption, width=width) if caption is not None else []
        return ["\n".join(filter(None, [folded(shown, width=width), *words]))]

    def subscribe_box(self, element: HtmlElement, *, width: int) -> list[str]:
        line = one_line(element.get("data-strapline", "")) or self.masthead.tagline or self.masthead.name
        trusted = (
            _("Trusted by %s readers.") % self.masthead.readers_claim if self.masthead.readers_claim else ""
        )
        promise = " ".join(filter(None, [trusted, _("Unsubscribe any time.")]))
        subscribe = f"→ {_('Subscribe')}: {self.masthead.subscribe_url}"
        inside = "\n".join([folded(line, width=width - 2), subscribe, folded(promise, width=width - 2)])
        return [hung(inside, first="| ")]

    def list_of_links(self) -> list[str]:
        if not self.links:
            return []
        numbered = "\n".join(f"[{number}] {href}" for href, number in self.links.items())
        return [f"{underlined(_('Links'), stroke='-')}\n{numbered}"]


def _spaced(text: str | None) -> str:
    return SPACES.sub(" ", text or "")
