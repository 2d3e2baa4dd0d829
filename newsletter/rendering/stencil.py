"""A finished text with named slots: rendered once per issue, filled once per reader."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from newsletter.rendering.characters import SLOT_CLOSE, SLOT_OPEN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# A reader's own links. What is said of each reader (merging.py) comes on top, issue by issue.
SLOTS = ("unsubscribe_url", "feedback_url", "web_url")
# The page of another issue that opens to its readers alone: by the number of the dispatch in which it went out.
PAGE_SLOT = re.compile(r"web_url_([1-9][0-9]*)")
# Private-use characters survive HTML parsers, CSS inliners and JSON untouched, and content is stripped of them.
SLOT = re.compile(f"{SLOT_OPEN}([a-z][a-z0-9_]*){SLOT_CLOSE}")


class StencilError(ValueError):
    """The text and its slots do not fit together: nothing may be sent from it."""


def slot(name: str) -> str:
    return f"{SLOT_OPEN}{name}{SLOT_CLOSE}"


def page_slot(dispatch_id: int) -> str:
    return f"web_url_{dispatch_id}"


@dataclass(frozen=True, slots=True)
class Stencil:
    """Literals with slots between them: always one literal more than slots.

    Values are put in as they are; whoever fills an HTML stencil escapes them first.
    """

    literals: tuple[str, ...]
    slots: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, *, allowed: Collection[str] = SLOTS) -> Stencil:
        parts = SLOT.split(text)
        literals, slots = tuple(parts[::2]), tuple(parts[1::2])
        unknown = sorted(name for name in {*slots}.difference(allowed) if not PAGE_SLOT.fullmatch(name))
        if unknown:
            raise StencilError(f"unknown slot: {', '.join(unknown)}")
        if any(SLOT_OPEN in literal or SLOT_CLOSE in literal for literal in literals):
            raise StencilError("a slot mark stands alone")
        return cls(literals, slots)

    @property
    def source(self) -> str:
        return self._joined([slot(name) for name in self.slots])

    def fill(self, values: Mapping[str, str]) -> str:
        try:
            return self._joined([values[name] for name in self.slots])
        except KeyError as error:
            raise StencilError(f"no value for slot: {error.args[0]}") from error

    def _joined(self, values: list[str]) -> str:
        return "".join(chain.from_iterable(zip_longest(self.literals, values, fillvalue="")))
