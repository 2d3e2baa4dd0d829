"""What Courant's processes and its database cost: CPU seconds, and memory at its highest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

LOOK_EVERY = 0.5  # seconds
HIGHEST = "VmHWM:"


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds."""

    courant: float
    database: float

    @property
    def total(self) -> float:
        return self.courant + self.database

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(self.courant - other.courant, self.database - other.database)

    def __add__(self, other: Cpu) -> Cpu:
        return Cpu(self.courant + other.courant, self.database + other.database)


@dataclass
class Usage:
    """Of the worker, beat and the desk, each with its children, and of PostgreSQL."""

    pids: list[int]  # the worker's first
    database: int | None
    _peak: int = 0

    def cpu(self) -> Cpu:
        """All that was spent until now, by those who have gone as well."""
        return Cpu(
            courant=sum(_spent(pid) for pid in self.pids),
            database=_spent(self.database) if self.database else 0.0,
        )

    def peak(self) -> int:
        """Bytes of the largest worker process, at its highest since it began."""
        self._peak = max([self._peak, *map(_highest, _family(self.pids[0]))])
        return self._peak

    def shared_out(self) -> int:
        """Bytes of all worker processes together, what they share counted once (Linux: PSS)."""
        family = _family(self.pids[0])
        return sum(_proportional(process) for process in family)

    @contextmanager
    def watched(self) -> Iterator[Self]:
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(over,))
        watch.start()
        try:
            yield self
        finally:
            over.set()
            watch.join()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(LOOK_EVERY):
            self.peak()


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _spent(pid: int) -> float:
    """Linux adds the time of a child that has ended to its parent's account. A child that ends while we count would
    stand in both accounts, or in none: then we count again."""
    while True:
        family = _family(pid)
        try:
            times = [process.cpu_times() for process in family]
        except psutil.NoSuchProcess:
            continue
        if {process.pid for process in _family(pid)} == {process.pid for process in family}:
            return sum(
                sum(spent[:4]) for spent in times
            )  # user, system, and the same of children who have ended


def _highest(process: psutil.Process) -> int:
    """Linux keeps the mark itself; elsewhere we have what we see."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
        marks = [line for line in status.splitlines() if line.startswith(HIGHEST)]
        return int(marks[0].split()[1]) * 1024 if marks else 0
    except FileNotFoundError:
        return _resident(process)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _proportional(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(full, "pss", full.uss))
