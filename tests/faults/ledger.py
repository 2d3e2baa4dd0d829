"""What the database says, asked from outside of the product."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg

from tests.faults.ground import connected

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTLED = ("accepted", "failed", "skipped", "uncertain")
STATES = ("pending", "in_flight", *SETTLED)
COUNTS = """
SELECT dispatch.id, dispatch.state, dispatch.audience_size, delivery.state, count(delivery.id)
FROM delivery_dispatch AS dispatch LEFT JOIN delivery_delivery AS delivery ON delivery.dispatch_id = dispatch.id
GROUP BY dispatch.id, dispatch.state, dispatch.audience_size, delivery.state
"""
READERS = """
SELECT lower(subscriber.email) AS address, delivery.state, delivery.reason, delivery.detail, delivery.settled_at,
       delivery.attempt_id, attempt.started_at
FROM delivery_delivery AS delivery
JOIN subscribers_subscription AS subscription ON subscription.id = delivery.subscription_id
JOIN subscribers_subscriber AS subscriber ON subscriber.id = subscription.subscriber_id
LEFT JOIN delivery_attempt AS attempt ON attempt.id = delivery.attempt_id
WHERE delivery.dispatch_id = {dispatch}
"""
Row = dict[str, Any]
UNREACHABLE = (psycopg.OperationalError, sqlite3.OperationalError)


class Ledger:
    """Each question over a connection of its own: the database may have gone and come back since the last."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, statement: str) -> list[Row]:
        with closing(self._connection()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def change(self, *statements: str) -> None:
        """All of them or none, and of one moment, as an operator's tools do it."""
        is_sqlite = self._url.startswith("sqlite:")
        begin = "BEGIN IMMEDIATE" if is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ"
        with closing(self._connection()) as connection, closing(connection.cursor()) as cursor:
            for statement in (begin, *statements, "COMMIT"):
                cursor.execute(statement)

    def counts(self) -> list[Row]:
        """Of each dispatch: its number, its state, its audience, and how many readers are in each state. One query."""
        with closing(self._connection()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(COUNTS)
            return _by_dispatch(cursor.fetchall())

    def of(self, dispatch: int) -> Row:
        return next(row for row in self.counts() if row["id"] == dispatch)

    def readers(self, dispatch: int) -> dict[str, Row]:
        return {row["address"]: row for row in self.ask(READERS.format(dispatch=dispatch))}

    def _connection(self) -> Any:
        if self._url.startswith("sqlite:///"):
            return sqlite3.connect(self._url.removeprefix("sqlite:///"), timeout=20, isolation_level=None)
        return connected(self._url)


def _by_dispatch(rows: Sequence[Sequence[Any]]) -> list[Row]:
    found: dict[int, Row] = {}
    for dispatch, its_state, audience, state, count in rows:
        row = found.setdefault(
            dispatch,
            {"id": dispatch, "dispatch": its_state, "audience": audience, **dict.fromkeys(STATES, 0)},
        )
        if state is not None:
            row[state] = count
    return list(found.values())
