"""Who signs up rings for a worker. However many ring at once, one message brings one in.

To send a message for each of hundreds of sign-ups a second would cost more than to write them down. The first rings at
once; whoever comes within PAUSE of it shares one more message, which is handed out when that time is over.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE = 0.25  # seconds


class Bell:
    """Of one process. `ring`: sends the message that is handed out so many seconds from now."""

    def __init__(self, ring: Callable[[float], None]) -> None:
        self._ring = ring
        self._lock = threading.Lock()
        self._quiet_until = 0.0  # monotonic
        self._will_ring = False  # when that time is over

    def pull(self) -> None:
        """What the caller has written down by now is found by a message that is still to be handed out."""
        with self._lock:
            left = self._quiet_until - time.monotonic()
            if left > 0 and self._will_ring:
                return
            self._will_ring = left > 0
            if left <= 0:
                self._quiet_until = time.monotonic() + PAUSE
        self._ring(max(left, 0.0))
