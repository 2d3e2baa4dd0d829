"""Networks that post on and on: this process remembers them for the rest of their ten minutes, and answers in no time.

Looking at a form and drawing a page with a riddle costs a few milliseconds; hundreds of posts a second would be felt by
those who read the archive meanwhile. Whoever holds a riddle of ours gets past it.
"""

from __future__ import annotations

import time

from subscribers.guard import riddles

MOST_KEPT = 10_000

_until: dict[str, float] = {}  # monotonic, by network


def note(network: str, *, seconds: float) -> None:
    if len(_until) >= MOST_KEPT:
        forget()
    _until[network] = time.monotonic() + seconds


def is_flood(network: str, *, riddle: str) -> bool:
    """Some microseconds, and no question to anybody."""
    return time.monotonic() < _until.get(network, 0.0) and not riddles.is_ours(riddle)


def forget() -> None:
    _until.clear()
