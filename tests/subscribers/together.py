"""Several at the same moment, each on a connection of its own, as workers and pages are."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Callable


def together(*steps: Callable[[], Any]) -> list[Any]:
    """What each returned, in their order."""
    start = threading.Barrier(len(steps))

    def one(step: Callable[[], Any]) -> Any:
        try:
            start.wait()
            return step()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(steps)) as threads:
        return [done.result() for done in [threads.submit(one, step) for step in steps]]
