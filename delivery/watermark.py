"""How far sending has come, written down outside the database too, so that a database that went back can be told.

Two places: a file in DATA_DIR of every host that sends, and a key in Redis where there is one. Each hand-over is noted
after it is committed and before its first byte leaves. Both are cheap, and may be lost: what is missing is written
anew, and what is a little behind only shows a smaller step back.

Neither is forced to the disk. The note must outlive the database's step back, not this machine's power: after a power
cut the file may be half a minute behind, and the database that forgot more than that is still caught.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import secrets
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

FILE, KEY = "watermark", "courant:watermark"
# Processes note in any order, and none waits for another: a note goes to the line of its number, the highest counts.
LINES = 64
LINE_LENGTH = 21
HEADER = "courant {mark.installation} {mark.epoch:010d}"
FORM = re.compile(rf"courant ([0-9a-f-]{{36}}) ([0-9]{{10}})\n((?:[0-9]{{20}}\n){{{LINES}}})")
REDIS_SECONDS = 0.5  # for one answer; a Redis that is slower than this does not hold up the mails
REDIS_REST = 30.0  # seconds in which a Redis that did not answer is not asked again
# One statement, so that nobody's late note hides a higher one.
RAISE = """
local known = redis.call('HMGET', KEYS[1], 'installation', 'epoch', 'attempt')
if known[1] == ARGV[1] then
    local epoch, attempt = tonumber(known[2]), tonumber(known[3])
    local given = tonumber(ARGV[2])
    if epoch > given or (epoch == given and attempt >= tonumber(ARGV[3])) then return 0 end
end
redis.call('HSET', KEYS[1], 'installation', ARGV[1], 'epoch', ARGV[2], 'attempt', ARGV[3])
return 1
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """So far had this installation come."""

    installation: UUID
    epoch: int
    attempt: int  # the highest that was written ahead; 0 for none


class Place(Protocol):
    """Where marks are kept. None of these ever raises for what a disk or a server does."""

    name: str  # for people

    def read(self) -> Mark | None: ...

    def write(self, mark: Mark) -> None:
        """Whatever stood there."""

    def note(self, mark: Mark) -> None:
        """Raise it to this mark; never lowers it."""


def places() -> Sequence[Place]:
    return _places(Path(settings.DATA_DIR), settings.REDIS_URL)


@functools.cache
def _places(folder: Path, redis_url: str) -> Sequence[Place]:
    file = MarkFile(folder / FILE)
    return [file, MarkKey(redis_url)] if redis_url else [file]


class MarkFile:
    """Kept open, since a note is a write of 21 bytes. Opened anew by each `read`: somebody may have replaced it."""

    def __init__(self, path: Path) -> None:
        self.name = f"the file {path} on {socket.gethostname()}"
        self._path = path
        self._file, self._header = -1, ""
        self._lock = threading.Lock()  # a thread must not write to a number that another one has just closed
        self._has_complained = False

    def read(self) -> Mark | None:
        try:
            opened = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(error)
            return None
        text = os.pread(opened, 1 << 16, 0).decode(errors="replace")
        self._keep(opened, header=text.partition("\n")[0])
        if not (found := FORM.fullmatch(text)):
            logger.warning("How far sending has come cannot be read in %s; it is written anew.", self.name)
            return None
        return Mark(UUID(found[1]), int(found[2]), max(map(int, found[3].split())))

    def write(self, mark: Mark) -> None:
        """A whole new file, so that nobody sees half of one."""
        new = self._path.with_name(f"{FILE}.{secrets.token_hex(4)}")
        header = HEADER.format(mark=mark)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(f"{header}\n" + f"{mark.attempt:020d}\n" * LINES)
            opened = os.open(new, os.O_RDWR | os.O_CLOEXEC)
            new.replace(self._path)
        except OSError as error:
            self._complain(error)
        else:
            self._keep(opened, header=header)

    def note(self, mark: Mark) -> None:
        header = HEADER.format(mark=mark)
        line = len(header) + 1 + mark.attempt % LINES * LINE_LENGTH
        with self._lock:
            if header != self._header:  # none that can be written, or another epoch's
                return
            try:
                os.pwrite(self._file, b"%020d\n" % mark.attempt, line)
            except OSError as error:
                self._complain(error)

    def _keep(self, opened: int, *, header: str) -> None:
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file, self._header = opened, header

    def _complain(self, error: OSError) -> None:
        if not self._has_complained:
            logger.warning("How far sending has come cannot be noted in %s: %s.", self.name, error.strerror)
            self._has_complained = True


class MarkKey:
    """One for all hosts: a host that has not sent for long learns here what the others did."""

    name = "Redis"

    def __init__(self, url: str) -> None:
        self._url = url
        self._rests_until = 0.0
        self._client: Any = None

    def read(self) -> Mark | None:
        found = self._asked("hgetall", KEY)
        try:
            return (
                Mark(UUID(found["installation"]), int(found["epoch"]), int(found["attempt"]))
                if found
                else None
            )
        except (KeyError, ValueError):
            logger.warning("The mark in Redis (%s) cannot be read; it is written anew.", KEY)
            return None

    def write(self, mark: Mark) -> None:
        self._asked("delete", KEY)
        self.note(mark)

    def note(self, mark: Mark) -> None:
        self._asked("eval", RAISE, 1, KEY, str(mark.installation), mark.epoch, mark.attempt)

    def _asked(self, command: str, *words: object) -> Any:
        if time.monotonic() < self._rests_until:
            return None
        import redis  # noqa: PLC0415 -- slow import

        try:
            if self._client is None:
                self._client = _redis(self._url)
            return getattr(self._client, command)(*words)
        except (redis.RedisError, OSError, ValueError) as error:
            self._rests_until = time.monotonic() + REDIS_REST
            logger.warning("Redis does not keep how far sending has come, for now: %s", error)
            return None


def _redis(url: str) -> Any:
    from redis import Redis  # noqa: PLC0415 -- slow import
    from redis.backoff import NoBackoff  # noqa: PLC0415 -- slow import
    from redis.retry import Retry  # noqa: PLC0415 -- slow import

    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,  # spoken by every server
    )
