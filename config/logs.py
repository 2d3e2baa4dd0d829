"""What of the framework's own log lines would only alarm."""

from __future__ import annotations

import logging


class PlainRefusals(logging.Filter):
    """Somebody who may not do something is a line of the log, and no fault of the program with a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) == 403:
            record.exc_info = None
        return True
