"""An issue's revisions, told to people: who, when, how much, and what differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from newsletter import differences, presence, reading
from newsletter.models import Issue, Picture, Revision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.differences import Count, Row

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    revision: Revision
    who: str
    words: Count  # against the one before


@dataclass(frozen=True, slots=True)
class Section:
    """One field of the form, before and after."""

    label: str
    rows: list[Row]


def entries(found: list[Revision], *, older: Revision | None) -> list[Entry]:
    """Of revisions in their order, the newest first; `older` is the one before the last of them."""
    texts = [_texts(revision.content) for revision in found] + [_texts(older.content) if older else []]
    return [
        Entry(revision, presence.name(revision.by), differences.count(texts[index + 1], texts[index]))
        for index, revision in enumerate(found)
    ]


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Section]:
    """What differs, field by field; empty where all words are the same."""
    sections = []
    for name in Issue.CONTENT:
        if before[name] == after[name]:
            continue
        rows = _rows(name, before, after)
        sections.append(Section(_label(name), rows))
    return sections


def _rows(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Row]:
    if name == "body":
        rows = differences.between(before[name], after[name])
        return rows if any(row.is_changed for row in rows) else []
    return [differences.of_line(_shown(name, before[name]), _shown(name, after[name]))]


def _label(name: str) -> str:
    field: Any = Issue._meta.get_field(name)
    return _("text") if name == "body" else str(field.verbose_name)


def _shown(name: str, value: Any) -> str:
    if name == "cover":
        return str(Picture.objects.defer("data").filter(pk=value).first() or "") if value else ""
    if name == "visibility":
        return str(dict(Issue.Visibility.choices).get(value, value))
    return str(value)


def _texts(content: Content) -> list[str]:
    return [content["subject"], content["preheader"], *reading.lines(content["body"])]


def shown(revision: Revision) -> list[tuple[str, str]]:
    """Every field but the text, by its label."""
    names = [name for name in Issue.CONTENT if name not in ("subject", "body")]
    pairs = ((_label(name), _shown(name, revision.content[name])) for name in names)
    return [(label, value) for label, value in pairs if value]
