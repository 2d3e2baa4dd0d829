"""The ways a provider misbehaves, set from outside while it runs.

throttle     refused for now (429 with Retry-After, or 421)
error        answered with `error_status`, nothing taken
hang         neither taken nor answered
reset        not taken, and the connection broken
late         taken only after `late` seconds, when whoever called may long have gone; never answered
drop         taken, and the connection broken before the answer
error_after  taken, and answered with `error_status`, or 503
hang_after   taken, and never answered
html         taken, and answered with 200 and a page of HTML
garbled      taken, and answered with 200 and half of the JSON
cut          taken, and the connection broken within the answer
"""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Literal, get_args

Kind = Literal[
    "throttle", "error", "hang", "reset", "late", "drop", "error_after", "hang_after", "html", "garbled", "cut"
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
TAKEN: frozenset[Kind] = frozenset({"drop", "error_after", "hang_after", "html", "garbled", "cut"})


@dataclass(slots=True)
class Faults:
    """Every n-th call meets a fault (0: never), or each one with a chance, by the seed the same in every run."""

    latency: float = 0.0  # seconds until an answer, with or without fault
    throttle_every: int = 0
    error_every: int = 0
    hang_every: int = 0
    reset_every: int = 0
    late_every: int = 0
    drop_every: int = 0
    error_after_every: int = 0
    hang_after_every: int = 0
    html_every: int = 0
    garbled_every: int = 0
    cut_every: int = 0
    chance: dict[Kind, float] = field(default_factory=dict)  # kind: from 0 to 1, together at most 1
    seed: int = 0
    times: int | None = None  # how many calls may meet a fault, then no more

    retry_after: float | None = 1.0  # None: a refusal for now does not say for how long
    retry_after_as: Literal["seconds", "date"] = "seconds"
    error_status: int = 0  # 0: the protocol's plain "try later"
    late: float = 1.0  # seconds until a late call is taken
    per_second: int = 0  # calls in any one second above which all are throttled
    refuse: dict[str, int] = field(default_factory=dict)  # address: status, or the provider's own code
    key_life: float | None = None  # seconds an idempotency key lives; None: as long as the provider says
    key_busy: float = 0.0  # seconds a keyed call counts as worked on after it was taken, besides the latency

    _calls: int = field(default=0, init=False)
    _chances: random.Random = field(init=False)
    _recent: deque[float] = field(default_factory=deque, init=False)

    def __post_init__(self) -> None:
        self._chances = random.Random(self.seed)

    def next(self) -> Kind | None:
        """What happens to this call."""
        self._calls += 1
        by_chance = self._by_chance() if self.chance else None
        if self.per_second and self._is_over_the_rate():
            return "throttle"
        if self.times == 0:
            return None
        met = self._by_turn() or by_chance
        if met and self.times is not None:
            self.times -= 1
        return met

    def retry_after_header(self) -> dict[str, str]:
        if self.retry_after is None:
            return {}
        if self.retry_after_as == "date":
            return {"Retry-After": formatdate(time.time() + self.retry_after, usegmt=True)}
        return {"Retry-After": f"{self.retry_after:g}"}

    def _by_turn(self) -> Kind | None:
        for kind in KINDS:
            every = getattr(self, f"{kind}_every")
            if every and self._calls % every == 0:
                return kind
        return None

    def _by_chance(self) -> Kind | None:
        drawn = (
            self._chances.random()
        )  # one for each call, whatever comes of it: so the n-th call is the n-th draw
        for kind, chance in self.chance.items():
            drawn -= chance
            if drawn < 0:
                return kind
        return None

    def _is_over_the_rate(self) -> bool:
        now = time.monotonic()
        while self._recent and now - self._recent[0] >= 1:
            self._recent.popleft()
        if len(self._recent) >= self.per_second:
            return True
        self._recent.append(now)
        return False
