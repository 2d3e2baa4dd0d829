"""What of the framework's own log lines would only alarm."""

from __future__ import annotations

import logging
import re

# A reader's own link: whoever has it can do what it is for, and a log is read by more people than a mailbox.
KEY = re.compile(r"(/s/[a-z-]+/)[^/\s?]+")


class PlainRefusals(logging.Filter):
    """Somebody who may not do something is a line of the log, and no fault of the program with a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) == 403:
            record.exc_info = None
        return True


class WithoutKeys(logging.Filter):
    """The paths of readers' links are written without the part that opens them."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                KEY.sub(r"\1***", each) if isinstance(each, str) else each for each in record.args
            )
        return True
