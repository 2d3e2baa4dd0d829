"""gunicorn's settings for an installation; a flag on the command line or in GUNICORN_CMD_ARGS goes before them."""

from __future__ import annotations

import gc
import logging
import os
import re
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

SIGNED_LINK = re.compile(r"(/s/[a-z-]+/)[^/\s?]+")  # as in config/logs.py


class WithoutKeys(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return SIGNED_LINK.sub(r"\1***", super().format(record))


class DiscreetLogger(Logger):
    """Readers' links are signed and stay valid: whoever reads the log must not be able to use them."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:  # "Error handling request /s/…", with its traceback
            handler.setFormatter(WithoutKeys(self.error_fmt, self.datefmt))

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, str]:
        """Those of the line below, and none of the dozens that gunicorn makes of every header, for each request.
        Another format has "-" for the rest, of which some would give a reader's link away."""
        return {
            "h": environ.get("REMOTE_ADDR", "-"),
            "m": environ["REQUEST_METHOD"],
            "U": SIGNED_LINK.sub(r"\1***", environ["PATH_INFO"]),
            "s": resp.status.partition(" ")[0],
            "b": str(resp.sent),
            "L": f"{request_time.total_seconds():.6f}",
        }


def post_worker_init(worker: Any) -> None:
    """What is loaded by now stays for good: the collector need not look at it again, nor at every few requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


bind = "0.0.0.0:8000"  # inside a container: only the proxy reaches it
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
timeout = 60
graceful_timeout = 25
# Who begins anew gives its kept-open connections away, and the other process has them all until they are idle: seldom.
max_requests = 200_000
max_requests_jitter = 20_000
worker_tmp_dir = "/dev/shm"  # noqa: S108 -- the heartbeat must not wait for a disk
control_socket_disable = True
logger_class = DiscreetLogger
accesslog = "-"
access_log_format = '%(h)s "%(m)s %(U)s" %(s)s %(b)s %(L)ss'  # the path alone: a query may hold an address
