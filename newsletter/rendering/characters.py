"""Which characters content may hold, and which way a text runs."""

from __future__ import annotations

import re
import unicodedata

SLOT_OPEN = "\ue000"
SLOT_CLOSE = "\ue001"
# The slot marks are the stencil's own. The others (controls, lone surrogates, noncharacters) no mail can carry.
SLOT = re.compile(f"{SLOT_OPEN}[^{SLOT_CLOSE}]*{SLOT_CLOSE}")
SLOT_WIDTH = 8  # columns; as wide as a first name
STRAYS = re.compile("[\ue000\ue001\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def without_strays(text: str) -> str:
    return STRAYS.sub("", text)


def one_line(text: str) -> str:
    return " ".join(text.split())


def direction_of(text: str) -> str | None:
    """ltr or rtl by the first letter that has a direction; None when no letter has one (Unicode UAX 9, P2)."""
    for character in text:
        match unicodedata.bidirectional(character):
            case "L":
                return "ltr"
            case "R" | "AL":
                return "rtl"
    return None


def columns(text: str) -> int:
    """How wide a text stands in a fixed-width font: East Asian characters take two columns, marks take none."""
    if SLOT_OPEN in text:
        text = SLOT.sub("x" * SLOT_WIDTH, text)
    return sum(width_of(character) for character in text)


def width_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
