"""What differs between two texts of an issue, to be read by people: paragraph by paragraph, then word by word.

Pure. Everything is plain text; whoever shows it escapes it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from newsletter.reading import lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
# Two paragraphs with less in common than this are not one that was changed.
ALIKE = 0.4
AROUND = 1  # unchanged paragraphs that are shown beside a change
# What became of a paragraph is looked for among so many, or ten thousand new ones would each be held against all.
AHEAD = 30
# Of more words than this only the ends are compared word by word: difflib's time grows with the square.
MOST_WORDS = 3000
# Of more paragraphs than this, those that many others are like (dividers, "read more") say nothing of where one is.
MOST_LINES = 2000


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Two paragraphs side by side; either side may be empty. `skipped` unchanged ones may stand for the row instead."""

    before: tuple[Piece, ...] = ()
    after: tuple[Piece, ...] = ()
    skipped: int = 0

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Count:
    """Of words."""

    added: int
    removed: int


def between(before: str, after: str) -> list[Row]:
    """Of two bodies."""
    rows = list(_rows(lines(before), lines(after)))
    return list(_shortened(rows))


def of_line(before: str, after: str) -> Row:
    """Of two subjects and the like."""
    return _compared(before, after) if before != after else Row((Piece(before),), (Piece(after),))


def count(before: Sequence[str], after: Sequence[str]) -> Count:
    """How many words came and went, wherever they stand: quick enough for a whole page of revisions."""
    old, new = (Counter(word for text in texts for word in text.split()) for texts in (before, after))
    return Count(added=(new - old).total(), removed=(old - new).total())


def _rows(before: list[str], after: list[str]) -> Iterator[Row]:
    is_long = len(before) + len(after) > MOST_LINES
    for kind, low, high, start, end in SequenceMatcher(None, before, after, autojunk=is_long).get_opcodes():
        if kind == "equal":
            yield from (Row((Piece(text),), (Piece(text),)) for text in before[low:high])
        else:
            yield from _pairs(before[low:high], after[start:end])


def _pairs(before: list[str], after: list[str]) -> Iterator[Row]:
    """What was changed stands beside what became of it; what has no counterpart stands alone."""
    position = 0
    for old in before:
        near = range(position, min(position + AHEAD, len(after)))
        match = next((index for index in near if _is_alike(old, after[index])), None)
        if match is None:
            yield Row(before=(Piece(old, is_changed=True),))
            continue
        yield from (Row(after=(Piece(text, is_changed=True),)) for text in after[position:match])
        yield _compared(old, after[match])
        position = match + 1
    yield from (Row(after=(Piece(text, is_changed=True),)) for text in after[position:])


def _is_alike(before: str, after: str) -> bool:
    """By how many words they share, whatever their order: an upper bound that costs next to nothing."""
    old, new = Counter(before.split()), Counter(after.split())
    return 2 * (old & new).total() >= ALIKE * (old.total() + new.total())


def _compared(before: str, after: str) -> Row:
    old, new = WORDS.findall(before), WORDS.findall(after)
    left: list[Piece] = []
    right: list[Piece] = []
    head, tail = _shared_ends(old, new)
    left.append(Piece("".join(old[:head])))
    right.append(Piece("".join(new[:head])))
    for kind, low, high, start, end in _opcodes(old[head : len(old) - tail], new[head : len(new) - tail]):
        is_changed = kind != "equal"
        left.append(Piece("".join(old[head + low : head + high]), is_changed))
        right.append(Piece("".join(new[head + start : head + end]), is_changed))
    left.append(Piece("".join(old[len(old) - tail :])))
    right.append(Piece("".join(new[len(new) - tail :])))
    return Row(_filled(left), _filled(right))


def _filled(pieces: list[Piece]) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if piece.text)


def _shared_ends(old: list[str], new: list[str]) -> tuple[int, int]:
    shorter = min(len(old), len(new))
    head = next((index for index in range(shorter) if old[index] != new[index]), shorter)
    rest = shorter - head
    tail = next((index for index in range(rest) if old[-1 - index] != new[-1 - index]), rest)
    return head, tail


def _opcodes(old: list[str], new: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    if len(old) + len(new) > MOST_WORDS:
        return [("replace", 0, len(old), 0, len(new))]
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _shortened(rows: list[Row]) -> Iterator[Row]:
    """Only what changed and its neighbours; the rest is counted."""
    changed = [index for index, row in enumerate(rows) if row.is_changed]
    shown = {near for index in changed for near in range(index - AROUND, index + AROUND + 1)}
    skipped = 0
    for index, row in enumerate(rows):
        if index not in shown:
            skipped += 1
            continue
        if skipped:
            yield Row(skipped=skipped)
        skipped = 0
        yield row
    if skipped:
        yield Row(skipped=skipped)
