"""What is said of one reader alone: the values of a stencil's slots, from what is known of them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from django.utils import translation

from newsletter.models import ReaderField
from newsletter.models.reader_field import FIRST_NAME
from newsletter.rendering.characters import without_strays
from newsletter.rendering.merging import HTML
from newsletter.validators import DIRECTION_OVERRIDES
from subscribers.known import date_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.models import Newsletter
    from subscribers.models import Subscription

LONGEST = 100  # characters
# Besides control characters, which no text of ours holds: what breaks a line, and what turns one around.
HARMFUL = re.compile(f"[\u2028\u2029{''.join(sorted(DIRECTION_OVERRIDES))}]")


@dataclass(frozen=True, slots=True)
class Dates:
    """The fields of a newsletter that hold a date, and the language it is written in."""

    names: frozenset[str] = frozenset()
    language: str = ""

    def written(self, fields: Mapping[str, object]) -> dict[str, object]:
        """As its readers write them; what is no date stays as it is."""
        with translation.override(self.language):
            return {name: date_words(str(fields[name])) for name in self.names if fields.get(name)}


NO_DATES = Dates()


def dates(newsletter: Newsletter) -> Dates:
    those = newsletter.reader_fields.filter(kind=ReaderField.Kind.DATE)
    return Dates(frozenset(those.values_list("name", flat=True)), newsletter.language)


def facts(subscription: Subscription) -> dict[str, object]:
    """What is known of a reader, by field."""
    those = dates(subscription.newsletter)
    return known(subscription.subscriber.first_name, subscription.fields, dates=those)


def known(
    first_name: str | None, fields: Mapping[str, object] | None, *, dates: Dates = NO_DATES
) -> dict[str, object]:
    found = {**(fields or {}), FIRST_NAME: first_name or ""}
    return found | dates.written(found) if dates.names else found


def values(
    merges: Mapping[str, Sequence[str]], facts: Mapping[str, object], links: Mapping[str, str]
) -> dict[str, str]:
    """For every slot: `merges` as rendering.merges gives them, `links` are put in as they are."""
    said = dict(links)
    for slot, (field, fallback) in merges.items():
        words = cleaned(facts.get(field)) or cleaned(fallback)
        said[slot] = escape(words) if slot.endswith(f"_{HTML}") else words
    return said


def cleaned(value: object) -> str:
    """One line without what could end a header, hide, or turn the words around it; "" where there is nothing to see."""
    line = " ".join(("" if value is None else str(value)).split())
    if not (line.isascii() and line.isprintable()):
        line = HARMFUL.sub("", without_strays(line))
        if not any(map(_is_seen, line)):
            return ""
    return line[:LONGEST].rstrip()


def _is_seen(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] not in "CZ"
