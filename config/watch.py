"""Beat's own look at what stands still. A watch that ran as a task would be silent whenever no worker runs."""

from __future__ import annotations

import logging
import threading

from django.db import close_old_connections

from delivery import alarms

logger = logging.getLogger(__name__)

# Seconds. The first look waits as well: after a restart the workers get a chance to go on first.
EVERY = 15.0


def start() -> threading.Thread:
    """In the background, until the process ends."""
    thread = threading.Thread(target=_keep_watching, name="watch", daemon=True)
    thread.start()
    return thread


def _keep_watching() -> None:
    pause = threading.Event()
    while not pause.wait(EVERY):
        look()


def look() -> None:
    """Survives whatever it meets: the database may be away just now, and back at the next look."""
    close_old_connections()
    try:
        alarms.watch()
    except Exception as error:
        logger.error("The watch could not look: %s", error)
    finally:
        close_old_connections()
