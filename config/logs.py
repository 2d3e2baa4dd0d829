"""Where log lines go, and what of the framework's own would only alarm, or tell too much."""

from __future__ import annotations

import logging
import re
from typing import Any

# A reader's own link: whoever has it can do what it is for, and a log is read by more people than a mailbox.
# deploy/gunicorn.py has the same, for its own lines.
KEY = re.compile(r"(/s/[a-z-]+/)[^/\s?]+")


class PlainRefusals(logging.Filter):
    """Somebody who may not do something is a line of the log, and no fault of the program with a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) in {400, 403}:
            record.exc_info = None
        return True


class WithoutKeys(logging.Formatter):
    """Readers' links are written without the part that opens them: whoever logs them, and in tracebacks, too."""

    def format(self, record: logging.LogRecord) -> str:
        return KEY.sub(r"\1***", super().format(record))


def setting(*, level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "config.logs.WithoutKeys",
                "format": "{asctime} {levelname:<7} {name}: {message}",
                "style": "{",
            }
        },
        "filters": {"plain_refusals": {"()": "config.logs.PlainRefusals"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            "django.request": {"filters": ["plain_refusals"]},
            "django.security.DisallowedHost": {"filters": ["plain_refusals"]},  # machines try all names
            "django.server": {"handlers": [], "propagate": True},
            "celery.worker.strategy": {"level": "WARNING"},  # two lines for every wake-up say nothing
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }
