"""What a check says: values, in words for the editor."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

SHOWN = 5  # places that one finding names


class Level(StrEnum):
    BLOCKER = "blocker"  # nothing is sent past it
    DECISION = "decision"  # in the way until somebody decides otherwise, by name
    WARNING = "warning"  # to be looked at, and mended or accepted by name
    FINE = "fine"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    `field` is where to mend it: a field of the issue ("subject"), of its newsletter ("newsletter.reply_to"), or
    "readers", "mailer", "test", "time". `near` are the words in question, for finding them in the text.
    """

    code: str
    level: Level
    text: str
    field: str = ""
    mark: str = ""  # of what was found: an acceptance holds for this and for nothing else
    near: tuple[str, ...] = ()

    @property
    def may_be_accepted(self) -> bool:
        return self.level in {Level.DECISION, Level.WARNING}

    @property
    def anchor(self) -> str:
        """By which a page that shows findings names this one."""
        return f"check-{self.code}-{self.mark[:8]}"

    @property
    def words(self) -> str:
        """On one line, with what it is about."""
        return f"{self.text} ({'; '.join(self.near)})" if self.near else self.text


def mark(*found: object) -> str:
    """SHA-256 of what was found, so that an edit of anything else leaves an acceptance alone."""
    return hashlib.sha256(json.dumps([str(each) for each in found]).encode()).hexdigest()


def some(places: list[str]) -> tuple[str, ...]:
    """The first few of them, each once."""
    return tuple(list(dict.fromkeys(place for place in places if place))[:SHOWN])
