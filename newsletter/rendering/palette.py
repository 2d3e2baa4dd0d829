"""One accent colour made into all the tones a mail needs, each legible on its ground (WCAG AA, 4.5 to 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

HEX = re.compile(r"#[0-9a-fA-F]{6}")
HOUSE_ACCENT = "#b3261e"
LEGIBLE = 4.5
# Light words on a dark ground glare at the edges and read thinner; they get some more.
LEGIBLE_IN_THE_DARK = 6.5
WHITE, BLACK = "#ffffff", "#000000"
# The site's paper and ink (static/css/tokens.css); mail clients know no custom properties.
PAPER, CARD, INK, MUTED, LINE = "#f4f1e9", WHITE, "#1d1b18", "#625c53", "#ded7ca"
DARK_PAPER, DARK_CARD, DARK_INK, DARK_MUTED, DARK_LINE = "#161513", "#201e1b", "#ece7dd", "#afa79a", "#3d3932"

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Palette:
    """Light tones, then the dark ones. accent is for words and lines, fill for a button under white words."""

    paper: str
    card: str
    ink: str
    muted: str
    line: str
    accent: str
    fill: str
    tint: str
    dark_paper: str
    dark_card: str
    dark_ink: str
    dark_muted: str
    dark_line: str
    dark_accent: str
    dark_tint: str


@lru_cache(maxsize=256)
def palette(accent: str) -> Palette:
    chosen = accent if HEX.fullmatch(accent) else HOUSE_ACCENT
    tint, dark_tint = mixed(chosen, CARD, share=0.06), mixed(chosen, DARK_CARD, share=0.14)
    return Palette(
        paper=PAPER,
        card=CARD,
        ink=INK,
        muted=MUTED,
        line=LINE,
        accent=legible(chosen, on=tint, towards=BLACK),
        fill=legible(chosen, on=WHITE, towards=BLACK),
        tint=tint,
        dark_paper=DARK_PAPER,
        dark_card=DARK_CARD,
        dark_ink=DARK_INK,
        dark_muted=DARK_MUTED,
        dark_line=DARK_LINE,
        dark_accent=legible(chosen, on=dark_tint, towards=WHITE, ratio=LEGIBLE_IN_THE_DARK),
        dark_tint=dark_tint,
    )


def legible(colour: str, *, on: str, towards: str, ratio: float = LEGIBLE) -> str:
    """The colour itself, or the nearest step towards black or white that can be read on its ground."""
    steps = (mixed(towards, colour, share=step / 20) for step in range(21))
    return next((tone for tone in steps if contrast(tone, on) >= ratio), towards)


def mixed(colour: str, ground: str, *, share: float) -> str:
    pairs = zip(rgb(colour), rgb(ground), strict=True)
    return "#" + "".join(f"{round(over * share + under * (1 - share)):02x}" for over, under in pairs)


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white), as WCAG 2 measures it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (linear(channel / 255) for channel in rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
