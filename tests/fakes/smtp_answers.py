"""The fake SMTP server's login and TLS, and the odd answers a test may want of it."""

from __future__ import annotations

import base64
import binascii
import ssl
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# Its own authority, for 127.0.0.1 and localhost only; whoever sets SSL_CERT_FILE to it trusts the server.
CERTIFICATE = Path(__file__).parent / "localhost.pem"


def server_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


@dataclass(frozen=True, slots=True)
class Odd:
    """The nth answer of its kind since this was set is this one. A command takes effect when it begins with 2 or 3."""

    step: Literal["greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot", "RSET", "NOOP"]
    nth: int
    say: str
    then: Literal["go on", "hang up", "hang", "trickle"] = "go on"


class OddAnswers:
    def __init__(self, answers: list[Odd] | None = None) -> None:
        self.answers = {(odd.step, odd.nth): odd for odd in answers or []}
        self._given: Counter[str] = Counter()

    def next(self, step: str) -> Odd | None:
        if not self.answers:
            return None
        self._given[step] += 1
        return self.answers.get((step, self._given[step]))


class Login:
    """AUTH PLAIN with its words at once or on the next line; LOGIN with name and password on a line each."""

    def __init__(self, wanted: bytes) -> None:
        self._wanted = wanted
        self.is_done = not wanted
        self._lines: list[bytes] | None = None

    @property
    def is_going_on(self) -> bool:
        return self._lines is not None

    def begin(self, line: bytes, answers: list[bytes]) -> None:
        self._lines = []
        self.continue_with(line, answers)

    def continue_with(self, line: bytes, answers: list[bytes]) -> None:
        assert self._lines is not None
        self._lines.append(line)
        kind, _, at_once = self._lines[0].upper().partition(b" ")
        words = [self._lines[0].partition(b" ")[2]] if at_once else []
        words += self._lines[1:]
        wanted = 2 if kind == b"LOGIN" else 1
        if len(words) < wanted:
            prompt = base64.b64encode([b"Username:", b"Password:"][len(words)]) if wanted == 2 else b""
            answers.append(b"334 " + prompt + b"\r\n")
            return
        self._lines = None
        self.is_done = bool(self._wanted) and _said(words, is_login=wanted == 2) == self._wanted
        right, wrong = b"235 2.7.0 Welcome\r\n", b"535 5.7.8 Wrong name or password\r\n"
        answers.append(right if self.is_done else wrong)


def _said(words: list[bytes], *, is_login: bool) -> bytes:
    try:
        given = [base64.b64decode(word) for word in words]
    except binascii.Error:
        given = []
    return b"\0".join([b"", *given]) if is_login else b"".join(given)
