"""The ways a provider misbehaves, set from outside while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["throttle", "error", "hang", "drop"]


@dataclass(slots=True)
class Faults:
    """Every n-th call meets a fault (0: never). Nothing else is random, so a test can count on it.

    throttle: refused for now (429 with Retry-After, or 421). error: answered with `error_status`, nothing taken.
    hang: neither taken nor answered. drop: taken, and the connection broken before the answer.
    """

    latency: float = 0.0
    throttle_every: int = 0
    retry_after: float = 1.0
    error_every: int = 0
    error_status: int = 0  # 0: the protocol's plain "try later"
    hang_every: int = 0
    drop_every: int = 0
    refuse: dict[str, int] = field(default_factory=dict)  # address: status
    times: int | None = None  # how many calls may meet a fault, then no more
    _calls: int = 0

    def next(self) -> Kind | None:
        """What happens to this call."""
        self._calls += 1
        if self.times == 0:
            return None
        every: dict[Kind, int] = {
            "throttle": self.throttle_every,
            "error": self.error_every,
            "hang": self.hang_every,
            "drop": self.drop_every,
        }
        met = next((kind for kind, n in every.items() if n and self._calls % n == 0), None)
        if met and self.times is not None:
            self.times -= 1
        return met
