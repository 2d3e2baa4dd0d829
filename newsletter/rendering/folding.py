"""Breaking plain text into lines a person would have broken."""

from __future__ import annotations

import re

from newsletter.rendering.characters import columns

WIDTH = 72
# Chinese and Japanese break between any two characters, but not before closing punctuation. Korean breaks at spaces.
WIDE = "\u2e80-\u312f\u3190-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff"
CLOSING = "、。，．！？；：」』）】〉》〕”’…"
PIECE = re.compile(f" *(?:[{WIDE}][{CLOSING}]*|[^ {WIDE}]+)")


def folded(text: str, *, width: int = WIDTH) -> str:
    """Lines no wider than width, except for a single word (an address) that is wider by itself."""
    return "\n".join(line for paragraph in text.split("\n") for line in _lines(paragraph, width=width))


def _lines(paragraph: str, *, width: int) -> list[str]:
    lines, line, used = [], "", 0
    for piece in PIECE.findall(paragraph.strip(" ")):
        wide = columns(piece)
        if line and used + wide > width:
            lines.append(line)
            line, used, wide = "", 0, columns(piece.lstrip(" "))
        line, used = line + (piece if line else piece.lstrip(" ")), used + wide
    return [*lines, line]


def hung(text: str, *, first: str, rest: str | None = None) -> str:
    """The text behind a margin: the first line's (a bullet, say), then the other lines'."""
    margins = [first] + [first if rest is None else rest] * text.count("\n")
    pairs = zip(margins, text.split("\n"), strict=True)
    return "\n".join((margin + line).rstrip(" ") for margin, line in pairs)


def underlined(text: str, *, stroke: str, width: int = WIDTH) -> str:
    lines = folded(text, width=width)
    return f"{lines}\n{stroke * min(max(columns(line) for line in lines.split(chr(10))), width)}"
