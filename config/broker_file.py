"""The embedded broker's file: one table of messages, leased to whoever takes them, deleted when acknowledged."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from datetime import datetime
from threading import RLock
from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# AUTOINCREMENT: an id is never used again, so a late acknowledgement cannot delete somebody else's message.
SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, free_at REAL NOT NULL DEFAULT 0,
    claims INTEGER NOT NULL DEFAULT 0, expires_at REAL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS message_queue ON message (queue);
CREATE INDEX IF NOT EXISTS message_expiry ON message (expires_at) WHERE expires_at IS NOT NULL;
"""
FIRST_FREE = "SELECT id FROM message WHERE queue = ? AND free_at <= ? ORDER BY id LIMIT 1"
TAKE = """
UPDATE message SET free_at = ?, claims = claims + 1
WHERE id = (SELECT id FROM message WHERE queue = ? AND free_at <= ? ORDER BY id LIMIT 1)
RETURNING id, claims, body
"""


class BrokerFileError(ConnectionError):
    """The broker's file cannot be used; the message says which file, why, and what to do."""


class Messages:
    """The table of messages in one file: the only place that speaks SQL. Safe to share between threads."""

    def __init__(self, path: Path, *, lease: float, timeout: float) -> None:
        self._path, self._lease, self._timeout = path, lease, timeout
        self._lock = RLock()
        self._inherited: list[sqlite3.Connection] = []
        self._open()

    def put(self, queue: str, message: dict[str, Any]) -> None:
        expires_at = _expiry(message)
        with self._connection() as connection:
            connection.execute(
                "INSERT INTO message (queue, expires_at, body) VALUES (?, ?, ?)",
                (queue, expires_at, dumps(message)),
            )
            if expires_at is not None:  # what beat queued while no worker ran goes as new ones come
                connection.execute("DELETE FROM message WHERE expires_at < ?", (time.time(),))

    def take(self, queue: str) -> dict[str, Any] | None:
        """Lease the oldest free message, or None. Its delivery tag names the row and this very lease."""
        now = time.time()
        with self._connection() as connection:
            # Looking first costs readers nothing; an UPDATE would take the write lock on every poll.
            if connection.execute(FIRST_FREE, (queue, now)).fetchone() is None:
                return None
            rows = connection.execute(TAKE, (now + self._lease, queue, now)).fetchall()
        if not rows:
            return None
        number, claims, body = rows[0]
        message: dict[str, Any] = loads(body)
        message["properties"]["delivery_tag"] = f"{number}.{claims}"
        message["properties"].setdefault("delivery_info", {})["redelivered"] = claims > 1
        return message

    def delete(self, tag: str) -> None:
        # By id alone: the work is done, whoever has leased the row since.
        with self._connection() as connection:
            connection.execute("DELETE FROM message WHERE id = ?", (_row(tag)[0],))

    def release(self, tag: str) -> None:
        """Give a message back to its place in the queue, unless the lease has gone to somebody else."""
        with self._connection() as connection:
            connection.execute("UPDATE message SET free_at = 0 WHERE id = ? AND claims = ?", _row(tag))

    def renew(self, tags: list[str]) -> None:
        free_at = time.time() + self._lease
        with self._connection() as connection:
            connection.executemany(
                "UPDATE message SET free_at = ? WHERE id = ? AND claims = ?",
                [(free_at, *_row(tag)) for tag in tags],
            )

    def purge(self, queue: str) -> int:
        with self._connection() as connection:
            return connection.execute(
                "DELETE FROM message WHERE queue = ? AND free_at <= ?", (queue, time.time())
            ).rowcount

    def size(self, queue: str) -> int:
        with self._connection() as connection:
            counted = connection.execute(
                "SELECT COUNT(*) FROM message WHERE queue = ? AND free_at <= ?", (queue, time.time())
            )
            return int(counted.fetchone()[0])

    def close(self) -> None:
        with self._lock:
            if self._process == os.getpid():
                self._sqlite.close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._process != os.getpid():
            # After a fork: SQLite forbids using or closing a parent's connection, and the lock may be held by nobody.
            self._inherited.append(self._sqlite)
            self._lock = RLock()
            self._open()
        with self._lock, _explained(self._path):
            yield self._sqlite

    def _open(self) -> None:
        deadline = time.monotonic() + self._timeout
        with _explained(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            while True:
                try:
                    self._sqlite = _opened(self._path, timeout=self._timeout)
                    break
                except sqlite3.OperationalError as error:
                    # Going over to WAL does not wait for its turn as every other write does.
                    if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)
        self._process = os.getpid()


def _opened(path: Path, *, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _row(tag: str) -> tuple[int, int]:
    number, _, claims = tag.partition(".")
    return int(number), int(claims)


def _expiry(message: dict[str, Any]) -> float | None:
    expires = (message.get("headers") or {}).get("expires")
    return datetime.fromisoformat(expires).timestamp() if isinstance(expires, str) else None


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise BrokerFileError(
            f"The broker's file {path} cannot be used ({error}). {_advice(error)}"
        ) from error


def _advice(error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return "Stop the workers and delete it: it holds only wake-ups, and the next sweep makes them anew."
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return "Another program has kept it locked; end that program."
    return "Check that its folder exists, is writable and has room."
