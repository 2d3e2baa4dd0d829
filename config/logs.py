"""What of the framework's own log lines would only alarm, or tell too much."""

from __future__ import annotations

import logging
import re

# A reader's own link: whoever has it can do what it is for, and a log is read by more people than a mailbox.
# deploy/gunicorn.py has the same, for its own lines.
KEY = re.compile(r"(/s/[a-z-]+/)[^/\s?]+")


class PlainRefusals(logging.Filter):
    """Somebody who may not do something is a line of the log, and no fault of the program with a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) == 403:
            record.exc_info = None
        return True


class WithoutKeys(logging.Formatter):
    """Readers' links are written without the part that opens them: whoever logs them, and in tracebacks, too."""

    def format(self, record: logging.LogRecord) -> str:
        return KEY.sub(r"\1***", super().format(record))
