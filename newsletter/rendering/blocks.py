"""The one list of what an issue's body may hold.

The sanitiser keeps exactly this, and the editor (newsletter/editing.py) can make exactly this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Names = frozenset[str]


def names(text: str) -> Names:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Block:
    """What one extension of the editor may write: tags, their attributes, and the classes each tag may bear."""

    extension: str
    tags: Names = frozenset()
    attributes: Mapping[str, Names] = field(default_factory=dict)
    classes: Mapping[str, Names] = field(default_factory=dict)


BLOCKS = (
    Block("Paragraph", names("p")),
    Block("Lead", names("p"), classes={"p": names("lead")}),
    Block("HardBreak", names("br")),
    Block("Heading", names("h2 h3")),
    Block("Bold", names("strong")),
    Block("Italic", names("em")),
    Block("Strike", names("s")),
    Block("Code", names("code")),
    Block("Link", names("a"), {"a": names("href")}),
    Block("BulletList", names("ul")),
    Block("OrderedList", names("ol"), {"ol": names("start")}),
    Block("ListItem", names("li")),
    Block("Blockquote", names("blockquote")),
    Block("PullQuote", names("blockquote"), classes={"blockquote": names("pull")}),
    Block("HorizontalRule", names("hr")),
    Block(
        "Picture",
        names("figure img figcaption"),
        {"img": names("src alt width height")},
        {"figure": names("img")},
    ),
    Block("Button", names("p a"), {"a": names("href")}, {"p": names("cta"), "a": names("btn")}),
    Block("Take", names("aside"), {"aside": names("data-block data-title")}, {"aside": names("take")}),
    Block(
        "Also", names("section ul"), {"section": names("data-block data-title")}, {"section": names("also")}
    ),
    Block("Joke", names("aside"), {"aside": names("data-block")}, {"aside": names("joke")}),
    Block(
        "Sponsor",
        names("aside"),
        {"aside": names("data-block data-title")},
        {"aside": names("sponsor")},
    ),
    Block("Feedback", names("div"), {"div": names("data-block data-question")}),
    # What is known of each reader: the field's name, and what stands there where it is not known.
    Block("Field", names("span"), {"span": names("data-field data-fallback")}, {"span": names("field")}),
    Block("SubscribeBox", names("div"), {"div": names("data-block data-strapline")}),
)

TAGS = frozenset().union(*(block.tags for block in BLOCKS))


def merged(maps: list[Mapping[str, Names]]) -> dict[str, Names]:
    tags = frozenset().union(*maps)
    return {tag: frozenset().union(*(each.get(tag, frozenset()) for each in maps)) for tag in sorted(tags)}


ATTRIBUTES = merged([block.attributes for block in BLOCKS])
CLASSES = merged([block.classes for block in BLOCKS])
