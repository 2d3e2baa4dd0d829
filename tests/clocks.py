"""Clocks for tests of what has only so much time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count


def ticking(*, since: datetime) -> Callable[[], datetime]:
    """For timezone.now: a second later each time somebody looks."""
    seconds = count(1)
    return lambda: since + timedelta(seconds=next(seconds))
