"""What stays open from one hand-over to the next: a connection for each thread that speaks at the same time.

A provider may hang up on a connection that nobody used for a while, at the very moment when we speak again: the call
fails without an answer, though nothing was taken, and its readers would be in doubt for nothing. So what has rested is
not used again.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Servers wait 5 seconds (Node) to 75 (nginx) before they hang up.
LONGEST_REST = 3.0
LONGEST_CONNECT = 5.0  # seconds


class Session(requests.Session):
    """As requests has it, but for two of its habits."""

    def __init__(self) -> None:
        super().__init__()
        # Without this, requests looks for the host in ~/.netrc, and puts what it finds in place of our own key.
        self.auth = _as_it_is

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: a redirect is an answer, and to follow one would be to speak twice."""
        return None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class Kept[Open]:
    """Things kept open by name, each used by one thread at a time. The one used last is taken first."""

    def __init__(self, close: Callable[[Open], None]) -> None:
        self._close = close
        self._resting: dict[Any, list[tuple[float, Open]]] = {}
        self._lock = Lock()
        os.register_at_fork(after_in_child=self._forget)  # a connection cannot be shared with a parent

    @contextmanager
    def use(self, name: Any, *, make: Callable[[], Open]) -> Iterator[Open]:
        thing = self._take(name) or make()
        try:
            yield thing
        finally:
            with self._lock:
                self._resting.setdefault(name, []).append((time.monotonic(), thing))

    def close(self) -> None:
        """Hang up everywhere."""
        with self._lock:
            resting, self._resting = self._resting, {}
        for things in resting.values():
            for _since, thing in things:
                self._close(thing)

    def _take(self, name: Any) -> Open | None:
        oldest = time.monotonic() - LONGEST_REST
        with self._lock:
            things = self._resting.get(name, [])
            tired = [thing for since, thing in things if since < oldest]
            fresh = [(since, thing) for since, thing in things if since >= oldest]
            found = fresh.pop()[1] if fresh else None
            self._resting[name] = fresh
        for thing in tired:
            self._close(thing)
        return found

    def _forget(self) -> None:
        self._resting, self._lock = {}, Lock()
