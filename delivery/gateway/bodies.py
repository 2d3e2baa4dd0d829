"""Mail bodies encoded once, into which each reader's values are spliced.

Quoted-printable: every literal and every value is encoded on its own and ends in a soft line break, which decodes to
nothing (RFC 2045 6.7), so that they can be joined anywhere. Each begins a line, then, and so is dot-stuffed on its own
(RFC 5321 4.5.2).

Base64 is chosen where it is shorter, as it is for most scripts but Latin. It turns three bytes into four letters, so
what follows a value depends on how many bytes stand before it: each literal is encoded for all three cases.
"""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.rendering import Stencil

BYTES_IN_A_LINE = 57  # make 76 letters
# The encoder does not break a line for the blank at its end, though it takes three bytes there.
TOO_LONG = re.compile(rb"^(.{74,})(=20|=09)$", re.MULTILINE)


class Body(Protocol):
    encoding: bytes
    fixed: tuple[bytes, ...]  # all that is the same for every reader

    def filled(self, values: Mapping[str, str]) -> list[bytes]:
        """One reader's body in pieces to be joined: dot-stuffed lines that end in CRLF."""


def encoded(stencil: Stencil) -> Body:
    both: tuple[Body, Body] = (QuotedPrintable(stencil), Base64(stencil))
    return min(both, key=lambda body: sum(map(len, body.fixed)))


class QuotedPrintable:
    encoding = b"quoted-printable"

    def __init__(self, stencil: Stencil) -> None:
        self._pieces: list[bytes] = []
        self._places: list[tuple[int, str]] = []
        for literal, name in zip_longest(stencil.literals, stencil.slots):
            self._pieces.append(quoted(literal))
            if name:
                self._places.append((len(self._pieces), name))
                self._pieces.append(b"")
        self.fixed = tuple(self._pieces)

    def filled(self, values: Mapping[str, str]) -> list[bytes]:
        pieces = self._pieces.copy()
        for place, name in self._places:
            pieces[place] = _quoted_value(values[name])
        return pieces


class Base64:
    encoding = b"base64"

    def __init__(self, stencil: Stencil) -> None:
        self._literals = [_by_bytes_before(_with_crlf(literal)) for literal in stencil.literals]
        self._slots = stencil.slots
        self.fixed = tuple(based(_with_crlf(literal)) for literal in stencil.literals)

    def filled(self, values: Mapping[str, str]) -> list[bytes]:
        pieces: list[bytes] = []
        waiting = b""
        for literal, name in zip_longest(self._literals, self._slots):
            first, middle, rest = literal[len(waiting) % 3]
            if middle:
                pieces += based(waiting + first), middle
                waiting = rest
            else:
                waiting += first + rest
            if name:
                waiting += _with_crlf(values[name])
        return [*pieces, based(waiting)]


def quoted(text: str) -> bytes:
    """Lines end in CRLF and are at most 76 bytes, and one more for a dot."""
    if not text:
        return b""
    data = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    # The encoder breaks lines where the last "=" still fits; of its "=3D" we keep the "=", which is our soft break.
    lines = binascii.b2a_qp(data + b"=", istext=True)[:-2] + b"\n"
    if b"=20\n" in lines or b"=09\n" in lines:
        lines = TOO_LONG.sub(rb"\1=\n\2", lines)
    stuffed = lines.replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


_quoted_value = lru_cache(maxsize=16)(quoted)  # the same link stands in text and HTML


def based(data: bytes) -> bytes:
    return b"".join(
        binascii.b2a_base64(data[start : start + BYTES_IN_A_LINE], newline=False) + b"\r\n"
        for start in range(0, len(data), BYTES_IN_A_LINE)
    )


def _by_bytes_before(literal: bytes) -> tuple[tuple[bytes, bytes, bytes], ...]:
    """For 0, 1 and 2 bytes that wait before it: what fills them up to three, all whole threes encoded, what is left."""
    cut = []
    for before in range(3):
        start = -before % 3
        end = max(start, len(literal) - (len(literal) - start) % 3)
        cut.append((literal[:start], based(literal[start:end]), literal[end:]))
    return tuple(cut)


def _with_crlf(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()
