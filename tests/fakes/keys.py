"""Idempotency keys: what was said under each, what was answered, and until when that is remembered."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

LONGEST = 256
State = Literal["new", "repeat", "other", "busy"]


@dataclass(slots=True)
class Remembered:
    said: bytes  # a digest of the request
    answer: bytes
    busy_until: float
    ends_at: float


class Keys:
    def __init__(self, *, life: float) -> None:
        self._life = life
        self._kept: dict[str, Remembered] = {}

    def state(self, key: str, said: bytes) -> State:
        known, now = self._kept.get(key), time.monotonic()
        if known is None or known.ends_at <= now:
            return "new"
        if known.busy_until > now:
            return "busy"
        return "repeat" if known.said == said else "other"

    def answer(self, key: str) -> bytes:
        return self._kept[key].answer

    def remember(
        self, key: str, said: bytes, *, answer: bytes = b"", busy: float = 0.0, life: float | None = None
    ) -> None:
        now = time.monotonic()
        ends_at = now + (self._life if life is None else life)
        self._kept[key] = Remembered(said, answer, now + busy, ends_at)

    def forget(self, key: str) -> None:
        self._kept.pop(key, None)

    def clear(self) -> None:
        self._kept.clear()
