"""Runs several programs as one: their lines together, a restart for each that dies, one stop for all.

Every child leads a session of its own, so that Ctrl-C in the terminal reaches only the runner. A stop asks each main
process and never its group: Celery hangs in about half the stops in which its children are asked as well.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

STOP_SECONDS = 20.0
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0
TICK_SECONDS = 0.2

PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

Write = Callable[[str, str], None]


def bound_to_parent(*, death_signal: signal.Signals = signal.SIGTERM) -> Callable[[], None] | None:
    """A `preexec_fn` that ties the child's life to ours, even if we are killed outright; None where Linux is not."""
    if _prctl is None:
        return None
    parent, prctl = os.getpid(), _prctl

    def bind() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # the parent died before the tie was made
            os._exit(1)

    return bind


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    command: Sequence[str]


class Child:
    """One part and the process that plays it at the moment."""

    def __init__(self, part: Part, *, environment: Mapping[str, str]) -> None:
        self.part = part
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        self.failures = 0
        self.started_at = 0.0
        self.restart_at: float | None = None
        self._unfinished = b""

    def start(self) -> int:
        self.restart_at = None
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 -- our own commands
            list(self.part.command),
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=bound_to_parent(),  # safe: the runner has a single thread
        )
        assert self.process.stdout is not None  # noqa: S101 -- a pipe was asked for
        os.set_blocking(self.process.stdout.fileno(), False)
        return self.process.stdout.fileno()

    def lines(self, chunk: bytes, *, flush: bool = False) -> Iterator[str]:
        *whole, self._unfinished = (self._unfinished + chunk).split(b"\n")
        if flush and self._unfinished:
            whole.append(self._unfinished)
            self._unfinished = b""
        return (line.decode(errors="replace").rstrip() for line in whole)

    def fall(self) -> float:
        """Notes a death and returns how long to wait before the next start."""
        if time.monotonic() - self.started_at > STEADY_SECONDS:
            self.failures = 0
        pause = min(2.0**self.failures, LONGEST_PAUSE)
        self.failures += 1
        self.restart_at = time.monotonic() + pause
        return pause

    def kill_group(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Runner:
    """`write` is given (part, line) for everything there is to read; the runner's own lines come from "courant"."""

    def __init__(self, parts: Sequence[Part], *, environment: Mapping[str, str], write: Write) -> None:
        self._children = [Child(part, environment=environment) for part in parts]
        self._write = write
        self._pipes = selectors.DefaultSelector()
        self._stops_asked = 0

    def run(self, *, is_ready: Callable[[], bool], on_ready: Callable[[], None]) -> None:
        """Returns once a signal (INT, TERM or HUP) has come and every child has ended."""
        with self._signals():
            for child in self._children:
                self._start(child)
            ready = False
            while not self._stops_asked:
                self._read(TICK_SECONDS)
                self._revive()
                if not ready and is_ready():
                    ready = True
                    on_ready()
            self._stop()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def ask(_number: int, _frame: FrameType | None) -> None:
            self._stops_asked += 1

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, ask) for number in numbers]
        try:
            yield
        finally:
            for child in self._children:
                child.kill_group()
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _start(self, child: Child) -> None:
        self._pipes.register(child.start(), selectors.EVENT_READ, child)

    def _say(self, name: str, line: str) -> None:
        try:
            self._write(name, line)
        except (
            OSError
        ):  # whoever read our lines is gone (a closed terminal, `| head`): nobody is watching, so stop
            self._write = _silence
            self._stops_asked += 1

    def _read(self, seconds: float) -> None:
        for key, _ in self._pipes.select(seconds):
            child: Child = key.data
            chunk = os.read(key.fd, 65536)
            for line in child.lines(chunk, flush=not chunk):
                self._say(child.part.name, line)
            if not chunk:
                self._close(child)

    def _close(self, child: Child) -> None:
        if child.process is not None and child.process.stdout is not None and not child.process.stdout.closed:
            self._pipes.unregister(child.process.stdout.fileno())
            child.process.stdout.close()

    def _revive(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.restart_at is not None:
                if now >= child.restart_at:
                    self._start(child)
            elif child.process is not None and (code := child.process.poll()) is not None:
                child.kill_group()  # what a killed main process leaves behind would hold the port
                self._read(0)
                self._close(child)
                pause = child.fall()
                self._say(
                    "courant", f"{child.part.name} ended ({_cause(code)}); it starts again in {pause:.0f} s."
                )

    def _stop(self) -> None:
        self._say("courant", "Stopping ... (Ctrl-C once more ends it at once)")
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        asked = self._stops_asked
        while any(process.poll() is None for process in running):
            if time.monotonic() > deadline or self._stops_asked > asked:
                self._say("courant", "Not everything ended by itself; killing what is left.")
                break
            self._read(TICK_SECONDS)
        for child in self._children:
            child.kill_group()
        for process in running:
            process.wait()
        self._read(0)
        self._say("courant", "Stopped.")


def _silence(_name: str, _line: str) -> None:
    pass


def _cause(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
