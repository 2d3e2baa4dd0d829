"""Networks that post on and on: this process remembers them for the rest of their ten minutes, and answers in no time.

Looking at a form and drawing a page costs milliseconds; hundreds of posts a second would be felt by those who read the
archive meanwhile. But thousands share a carrier's network, so nobody is turned away: each is handed a riddle at the
gate, made without a question to anybody, and whoever comes back with its answer is let in.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from subscribers.guard import riddles
from subscribers.guard.riddles import Outcome, Riddle

if TYPE_CHECKING:
    from datetime import datetime

MOST_KEPT = 10_000
BITS = 17  # of a riddle made here: what a busy network is asked anyhow
PRESSES = 5  # with one riddle: a slip in another field, a button pressed twice

_until: dict[str, float] = {}  # monotonic, by network
_presses: dict[str, int] = {}  # by riddle that was let in


def note(network: str, *, seconds: float) -> None:
    if len(_until) >= MOST_KEPT:
        _until.clear()
    _until[network] = time.monotonic() + seconds


def is_flood(network: str) -> bool:
    return time.monotonic() < _until.get(network, 0.0)


def gate(email: str, *, riddle: str, answer: str, now: datetime) -> Riddle | None:
    """The riddle for a post out of a flood; None for one that has solved its own, or waited, and is looked at.

    Less than a tenth of a millisecond, and no question to anybody. `email` is canonical, or "" for none.
    """
    found = riddles.read(riddle, email=email, now=now) if riddle else None
    if found is None:
        return riddles.make(email, bits=BITS, now=now)
    match riddles.look(riddle, answer, email=email, now=now):
        case Outcome.SOLVED | Outcome.WAITED if _has_presses(riddle):
            return None
        case Outcome.EARLY:
            return found[0]
    return riddles.make(email, bits=BITS, now=now)


def forget() -> None:
    _until.clear()
    _presses.clear()


def _has_presses(riddle: str) -> bool:
    """One answer must not open the gate a thousand times; that it is taken but once is judged behind it."""
    if len(_presses) >= MOST_KEPT:
        _presses.clear()
    _presses[riddle] = _presses.get(riddle, 0) + 1
    return _presses[riddle] <= PRESSES
