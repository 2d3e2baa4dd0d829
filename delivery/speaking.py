"""Several hand-overs at once: threads speak, and the worker's own thread alone writes into the ledger.

How many depends on the provider. While its answers come as fast as mails are built, one at a time is the cheapest; when
a worker mostly waits for answers, it has more of them on their way, up to what the mailer takes.
"""

from __future__ import annotations

import functools
import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from delivery.messages import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from delivery.messages import HandOver

logger = logging.getLogger(__name__)

# A process frozen for this many seconds between writing down and speaking does not speak: somebody else may have.
LONGEST_FREEZE = 30.0
# CLOCK_BOOTTIME goes on while a machine sleeps, CLOCK_MONOTONIC does not (clock_gettime(2)); macOS has only the other.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
WORTH_WAITING = 0.005  # seconds; for a shorter wait no thread is worth it
SHORTEST_WORK = 0.001  # seconds; for what is not known yet, or next to nothing
WORTH_A_THREAD = 1.0  # times its own work that a worker waits, before it speaks to more at once
MOST_THREADS = 64


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """One for the life of the process, since whoever speaks keeps its connection. Threads are made when needed."""
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="speaker")


class Speakers[Note]:
    """What is being said at this moment, each with a note of what it belongs to."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._flying: dict[Future[Receipt], Note] = {}
        self._said: list[tuple[Note, Receipt]] = []
        self._busy = self._waited = 0.0  # seconds that a hand-over keeps this worker at work, and has it wait
        self._began = time.thread_time()
        self._heard = 0  # answers

    @property
    def has_room(self) -> bool:
        return not self._said and len(self._flying) < self._width

    @property
    def is_silent(self) -> bool:
        return not self._flying and not self._said

    @property
    def _width(self) -> int:
        """As many as keep this worker at work while it waits (Little's law), when that is worth it."""
        if not self._heard or self._waited < max(WORTH_WAITING, WORTH_A_THREAD * self._busy):
            return 1
        return min(1 + int(self._waited / max(self._busy, SHORTEST_WORK)), self._most)

    def say(self, hand_over: HandOver, note: Note) -> None:
        """Begin to speak; the answer comes out of `answers`."""
        written = time.clock_gettime(CLOCK)
        if self._width == 1 and not self._flying:
            self._said.append((note, self._speak(hand_over, written)))
        else:
            self._flying[_pool().submit(self._speak, hand_over, written)] = note

    def answers(self, *, seconds: float = 0.0) -> Iterator[tuple[Note, Receipt]]:
        """What has been answered; waits up to so many seconds for an answer when there is none yet."""
        if self._flying and not self._said:
            done, _ = wait(self._flying, timeout=seconds, return_when=FIRST_COMPLETED)
            self._said += [(self._flying.pop(future), future.result()) for future in done]
        elif not self._said:
            time.sleep(seconds)
        while self._said:
            yield self._said.pop(0)
            self._note_work()

    def _speak(self, hand_over: HandOver, written: float) -> Receipt:
        if time.clock_gettime(CLOCK) - written > LONGEST_FREEZE:
            logger.warning("Frozen before a hand-over; it did not take place.")
            return Receipt()
        wall, own = time.monotonic(), time.thread_time()
        receipt = hand_over.speak()
        self._waited = _mean(self._waited, (time.monotonic() - wall) - (time.thread_time() - own))
        return receipt

    def _note_work(self) -> None:
        now = time.thread_time()
        if self._heard:  # the first has work of its own, such as making out the provider's call
            self._busy = _mean(self._busy, now - self._began)
        self._heard, self._began = self._heard + 1, now


def _mean(before: float, now: float) -> float:
    """Of late: a provider that grows slow in the middle of an issue is answered within a few hand-overs."""
    return before + 0.3 * (now - before) if before else now
