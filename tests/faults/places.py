"""Where a process can be told to die or to freeze: the numbered steps of sending, seen from outside.

Nothing of this is in the product. `watch` wraps its functions in processes that load tests.faults.worker (or the desk);
a file in FAULTS_DIR, named for a place, arms it. Whoever passes there first takes the file away and does what it says:

    kill         this process, outright
    kill-all     its whole worker: the main process and all children
    freeze       this process, until somebody thaws it
    … 3          but only when it has passed there three times more
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Place(NamedTuple):
    owner: str  # module, or module:Class
    function: str
    is_after: bool = True  # the function has done its work, and nobody knows it yet
    has_left: bool = False  # a hand-over may be under way: whoever dies here leaves somebody in doubt


# In the order of the steps (delivery/submission.py).
PLACES = {
    "preparing": Place("delivery.audience", "freeze"),
    "published": Place("delivery.tasks", "_publish", is_after=False),
    "claimed": Place("delivery.submission", "_submit", is_after=False),
    "recipients_read": Place("delivery.loading", "recipients"),
    "built": Place("delivery.gateway", "ready"),
    "writing_ahead": Place("delivery.submission", "_begin"),
    "written_ahead": Place("delivery.submission", "_write_ahead", has_left=True),
    "half_asked": Place("urllib3.connection:HTTPConnection", "endheaders", has_left=True),
    "asked": Place("urllib3.connection:HTTPConnection", "getresponse", is_after=False, has_left=True),
    "told": Place("delivery.gateway.wire:Line", "reply", has_left=True),
    "answered": Place("delivery.submission", "_record", is_after=False, has_left=True),
    "recording": Place("delivery.recording", "_settle", has_left=True),
    "recorded": Place("delivery.conclusions", "draw"),
    "finishing": Place("delivery.recording", "finish", is_after=False),
    "sweeping": Place("delivery.recovery", "recover"),
}


def watch(folder: Path, *, whose: str = "") -> None:
    """Armed by a file named for the place, after whose it is."""
    for name, place in PLACES.items():
        module, _, inside = place.owner.partition(":")
        owner = importlib.import_module(module)
        owner = getattr(owner, inside) if inside else owner
        armed = Armed(folder / f"{whose}{name}")
        setattr(owner, place.function, _watched(getattr(owner, place.function), armed, after=place.is_after))


def _watched(function: Callable[..., Any], armed: Armed, *, after: bool) -> Callable[..., Any]:
    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        if not after:
            armed.pass_by()
        found = function(*args, **kwargs)
        if after and found is not False:
            armed.pass_by()
        return found

    return watched


class Armed:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._deed, self._left = "", 0

    def pass_by(self) -> None:
        if not self._deed and self._file.exists():
            self._take()
        if self._deed and self._left <= 0:
            self._do()
        self._left -= 1

    def _take(self) -> None:
        mine = self._file.with_name(f"{self._file.name}.of.{os.getpid()}")
        try:
            self._file.rename(mine)  # of many who pass here at once, one gets it
        except FileNotFoundError:
            return
        self._deed, _, left = mine.read_text().partition(" ")
        self._left = int(left or 0)
        mine.unlink()

    def _do(self) -> None:
        deed, self._deed = self._deed, ""
        (self._file.parent / f"{self._file.name}.{deed}.{os.getpid()}.{time.monotonic_ns()}").touch()
        match deed:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "kill-all":
                os.killpg(0, signal.SIGKILL)
            case "freeze":
                os.kill(os.getpid(), signal.SIGSTOP)
