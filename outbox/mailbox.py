"""The mailbox: every mail sent through the outbox, in one SQLite file of its own.

It is no Django model: a mailbox may be thrown away at any time, and the facts are in the database.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from outbox.reading import summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE = 50
LOCK_TIMEOUT = 20.0  # seconds
FASTEST = 1  # zlib's level: mails shrink to a third, and a send of a whole list does not wait for it
# The sources lie apart, so that a search need not leaf through them.
SCHEMA = """
CREATE TABLE IF NOT EXISTS mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL,
    sender TEXT NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL, searched TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS source (id INTEGER PRIMARY KEY, compressed BLOB NOT NULL);
"""
COLUMNS = "id, at, sender, recipient, subject"


@dataclass(frozen=True, slots=True)
class Envelope:
    number: int
    at: datetime
    sender: str
    recipient: str
    subject: str


@dataclass(frozen=True, slots=True)
class StoredMail:
    envelope: Envelope
    source: bytes


def is_open() -> bool:
    """Whether this installation keeps an outbox at all."""
    return bool(getattr(settings, "OUTBOX_PATH", None))


def deliver(mails: Iterable[tuple[str, bytes]]) -> int:
    """Store (recipient, message) pairs, all of them or none; returns how many there were."""
    at = time.time()
    rows = [(at, *_listed(recipient, source), zlib.compress(source, FASTEST)) for recipient, source in mails]
    with _connection() as connection:
        connection.execute("BEGIN IMMEDIATE")
        for *listed, compressed in rows:
            cursor = connection.execute(
                "INSERT INTO mail (at, sender, recipient, subject, searched) VALUES (?, ?, ?, ?, ?)", listed
            )
            connection.execute("INSERT INTO source VALUES (?, ?)", (cursor.lastrowid, compressed))
        connection.execute("COMMIT")
    return len(rows)


def newest(*, search: str = "", before: int | None = None, limit: int = PAGE) -> list[Envelope]:
    """A page of mails, newest first, whose addresses or subject hold every word of `search`.

    The next page is the one `before` the last number of this one.
    """
    condition, values = _matching(search)
    if before is not None:
        condition, values = f"{condition} AND id < ?", [*values, before]
    query = f"SELECT {COLUMNS} FROM mail WHERE {condition} ORDER BY id DESC LIMIT ?"  # noqa: S608 -- no value inside
    with _connection() as connection:
        return [_envelope(row) for row in connection.execute(query, [*values, limit])]


def count(*, search: str = "") -> int:
    condition, values = _matching(search)
    query = f"SELECT COUNT(*) FROM mail WHERE {condition}"  # noqa: S608 -- no value inside
    with _connection() as connection:
        return int(connection.execute(query, values).fetchone()[0])


def find(number: int) -> StoredMail | None:
    query = f"SELECT {COLUMNS}, compressed FROM mail JOIN source USING (id) WHERE id = ?"  # noqa: S608 -- our names
    with _connection() as connection:
        row = connection.execute(query, (number,)).fetchone()
    return StoredMail(_envelope(row[:-1]), zlib.decompress(row[-1])) if row else None


def clear() -> int:
    """Throw every mail away and give the disk its room back; returns how many there were."""
    with _connection() as connection:
        connection.execute("BEGIN IMMEDIATE")
        thrown = connection.execute("DELETE FROM mail").rowcount
        connection.execute("DELETE FROM source")
        connection.execute("COMMIT")
        connection.execute("VACUUM")
    return thrown


def _listed(recipient: str, source: bytes) -> tuple[str, str, str, str]:
    sender, subject = summary(source)
    return sender, recipient, subject, f"{sender}\n{recipient}\n{subject}".casefold()


def _matching(search: str) -> tuple[str, list[str | int]]:
    words = search.casefold().split()
    return " AND ".join(["1", *["instr(searched, ?)"] * len(words)]), list(words)


def _envelope(row: tuple[int, float, str, str, str]) -> Envelope:
    number, at, sender, recipient, subject = row
    return Envelope(number, datetime.fromtimestamp(at, UTC), sender, recipient, subject)


@contextmanager
def _connection() -> Iterator[sqlite3.Connection]:
    if not is_open():
        raise ImproperlyConfigured("OUTBOX_PATH is empty: this installation keeps no outbox.")
    path = Path(settings.OUTBOX_PATH or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _opened(path)
    try:
        yield connection
    finally:
        connection.close()  # an unfinished transaction is rolled back


def _opened(path: Path) -> sqlite3.Connection:
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(SCHEMA)
        except sqlite3.Error as error:
            connection.close()
            # Going over to WAL does not wait for its turn as every other write does.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return connection
