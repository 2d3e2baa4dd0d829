"""What the faces are made from: plain values, no model and no query."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from newsletter.rendering.characters import without_strays

if TYPE_CHECKING:
    from collections.abc import Mapping

RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"})


@dataclass(frozen=True, slots=True)
class Masthead:
    """The newsletter around an issue. Addresses are absolute; an empty readers_claim claims nothing."""

    name: str
    tagline: str
    url: str
    subscribe_url: str
    postal_address: str
    accent: str
    language: str
    readers_claim: str
    agreement: str = ""  # what whoever signs up at its box agrees to; and by which a post says that it did
    agreement_digest: str = ""

    @property
    def direction(self) -> str:
        return "rtl" if self.language.replace("_", "-").split("-")[0].lower() in RIGHT_TO_LEFT else "ltr"

    @property
    def manage_url(self) -> str:
        """Where a reader asks for a link of their own: the same for everybody, so that a mail can be forwarded."""
        return f"{self.url}manage/"


@dataclass(frozen=True, slots=True)
class Cover:
    """The picture at an issue's head: an absolute address, and its size in pixels."""

    src: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Edition:
    """One issue to show: body is stored HTML, url is absolute."""

    subject: str
    preheader: str
    authors: str
    body: str
    url: str
    published_on: datetime.date | None
    cover: Cover | None = None
    is_for_readers: bool = False  # its page opens only by a reader's own link
    note: str = ""  # what the editor says above a correction
    # By whole address: what leads there instead, where each reader has a link of their own (a slot, or the link).
    own_links: Mapping[str, str] = field(default_factory=dict)


def cleaned[Content: (Masthead, Edition)](content: Content) -> Content:
    """Every text without slot marks and control characters, so that no editor can forge a slot."""
    values: dict[str, Any] = {each.name: getattr(content, each.name) for each in fields(content)}
    texts: dict[str, Any] = {
        name: without_strays(text) for name, text in values.items() if isinstance(text, str)
    }
    if cover := values.get("cover"):
        texts["cover"] = replace(cover, alt=without_strays(cover.alt))
    return replace(content, **texts)
