"""A sum for the browser: cheap for one person, dear for whoever wants to sign up thousands.

A riddle is a signed text, made for one address, and good for one post within ten minutes. Solving it means to find, for
each of PIECES places, a number that makes SHA-256 of `<seed>:<place>:<number>` begin with so many zero bits. Many small
pieces take about the same time at each try, where one large one might take three times as long; and they show how far
the work is. Whoever cannot run scripts waits instead, and the waiting is told from the riddle's own time.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from django.core import signing

from subscribers import keyring
from subscribers.guard import tallies

PIECES = 16
LIFE = timedelta(minutes=10)
WAIT = timedelta(seconds=25)  # instead of the sum
LEEWAY = timedelta(seconds=2)  # of the page's clock
STEP = 5  # seconds; the page's style sheet has a line for each
LONGEST_NUMBER = 10  # digits: then all that is hashed fits into one block


class Outcome(Enum):
    SOLVED = auto()
    WAITED = auto()  # no sum, but long enough
    EARLY = auto()  # the button was pressed before
    WRONG = auto()  # too old, altered, for another address, or a wrong number


@dataclass(frozen=True, slots=True)
class Riddle:
    text: str
    bits: int
    seconds: int  # to wait, without a script
    is_early: bool = False  # it was answered before its time, and its time goes on
    is_crowded: bool = False  # too many of this network have waited; only the sum helps

    @property
    def seed(self) -> str:
        return tallies.digest(self.text)

    @property
    def pieces(self) -> int:
        return PIECES


def make(email: str, *, bits: int, now: datetime) -> Riddle:
    value = f"{int(now.timestamp())}.{bits}.{secrets.token_urlsafe(9)}.{tallies.mark(email)}"
    return Riddle(keyring.plain("guard.riddle").sign(value), bits, seconds=_rounded_up(WAIT))


def read(text: str, *, email: str, now: datetime) -> tuple[Riddle, timedelta] | None:
    """The riddle that was given for this address, and its age; None where none of ours is still good."""
    try:
        issued, bits, _, mark = keyring.plain("guard.riddle").unsign(text).split(".")
    except (signing.BadSignature, ValueError):
        return None
    age = now - datetime.fromtimestamp(int(issued), tz=UTC)
    if mark != tallies.mark(email) or age > LIFE:
        return None
    return Riddle(text, int(bits), seconds=_rounded_up(WAIT - age), is_early=True), age


def look(text: str, answer: str, *, email: str, now: datetime) -> Outcome:
    found = read(text, email=email, now=now)
    if found is None:
        return Outcome.WRONG
    riddle, age = found
    if answer:
        return Outcome.SOLVED if is_solved(riddle, answer) else Outcome.WRONG
    return Outcome.WAITED if age >= WAIT - LEEWAY else Outcome.EARLY


def is_solved(riddle: Riddle, answer: str) -> bool:
    numbers = answer.split(".", PIECES)
    if len(numbers) != PIECES or any(len(number) > LONGEST_NUMBER for number in numbers):
        return False
    return all(_fits(f"{riddle.seed}:{place}:{number}", riddle.bits) for place, number in enumerate(numbers))


def is_spent(text: str) -> bool:
    return tallies.kept(_spent(text)) is not None


def spend(text: str) -> bool:
    """False when it was spent before."""
    return tallies.is_first(_spent(text), within=LIFE + WAIT)


def _spent(text: str) -> str:
    return f"spent:{tallies.digest(text)}"


def _rounded_up(left: timedelta) -> int:
    return max(STEP, -(-int(left.total_seconds()) // STEP) * STEP)


def _fits(text: str, bits: int) -> bool:
    head = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    return head >> (32 - bits) == 0
