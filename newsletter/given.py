"""What comes with a request, made fit to be asked for in the database."""

from __future__ import annotations

LONGEST = 18  # digits: every such number fits into a key's column


def number(text: str, *, digits: int = LONGEST) -> int:
    """0, which is nobody's key, for what is no number or too long for one."""
    return int(text) if text.isdecimal() and len(text) <= digits else 0


def words(text: str) -> str:
    """Without the one character that PostgreSQL does not take."""
    return text.replace("\0", "")
