"""Domains written with letters of several alphabets, so that one passes for another (Unicode TR 39)."""

from __future__ import annotations

import unicodedata

# Written together in one word by people who mean nothing by it ("highly restrictive", UTS 39 section 5.2).
TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)


def is_mixed(domain: str) -> bool:
    """Whether any part of the domain, as it was typed, mixes alphabets that are not written together."""
    return any(_is_mixed(label) for label in domain.split("."))


def _is_mixed(label: str) -> bool:
    folded = unicodedata.normalize("NFKC", label)  # wide letters are the narrow ones to every registry
    alphabets = {_alphabet(letter) for letter in folded if letter.isalpha()}
    return len(alphabets) > 1 and not any(alphabets <= group for group in TOGETHER)


def _alphabet(letter: str) -> str:
    """LATIN, CYRILLIC, CJK …: the first word of the letter's name."""
    first = unicodedata.name(letter, "UNKNOWN").partition(" ")[0].partition("-")[0]
    return "CJK" if first == "IDEOGRAPHIC" else first
