"""How fast a mailer may go, for all workers together: readers a second, an hour, a day; and warm-up of a new domain.

Seconds are paced: each hand-over books its share of time, and waits for its turn. Hours and days are counted in the
ledger's own attempts, so that there is no counter to lose or to drift. Without limits none of this costs a query.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models.functions import Now

from delivery import allowances, gateway
from delivery.models import MailerState, SendingDomain

if TYPE_CHECKING:
    from datetime import datetime

    from delivery.allowances import Allowance

# Move the time from which the mailer is free by as long as these readers take, unless that is too far away already; and
# say how long it is until their turn. More than a minute away it was booked by a clock that has been put right since.
BOOK = {
    "postgresql": """
        UPDATE delivery_mailerstate
        SET free_at = STATEMENT_TIMESTAMP() + %(seconds)s * INTERVAL '1 second' + CASE
            WHEN free_at BETWEEN STATEMENT_TIMESTAMP() AND STATEMENT_TIMESTAMP() + INTERVAL '1 minute'
            THEN free_at - STATEMENT_TIMESTAMP() ELSE INTERVAL '0' END
        WHERE alias = %(alias)s AND (
            free_at IS NULL
            OR free_at <= STATEMENT_TIMESTAMP() + %(longest)s * INTERVAL '1 second'
            OR free_at > STATEMENT_TIMESTAMP() + INTERVAL '1 minute'
        )
        RETURNING EXTRACT(EPOCH FROM free_at - STATEMENT_TIMESTAMP()) - %(seconds)s
    """,
    "sqlite": """
        UPDATE delivery_mailerstate
        SET free_at = STRFTIME(
            '%%Y-%%m-%%d %%H:%%M:%%f',
            CASE WHEN free_at BETWEEN STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')
                AND STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', '1 minutes')
            THEN free_at ELSE STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW') END,
            %(seconds)s || ' seconds')
        WHERE alias = %(alias)s AND (
            COALESCE(free_at, '') <= STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', %(longest)s || ' seconds')
            OR free_at > STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', '1 minutes')
        )
        RETURNING (JULIANDAY(free_at) - JULIANDAY('NOW')) * 86400 - %(seconds)s
    """,
}
# Seconds that a hand-over may be booked ahead. Whoever would wait longer gives its batch back instead.
LONGEST_BOOKING = 10.0


@dataclass(frozen=True, slots=True)
class Full:
    """An allowance is used up."""

    until: datetime
    words: str


def book(alias: str, *, readers: int) -> float | None:
    """Seconds to wait before so many readers may be handed over, or None when that is too long to stay for.

    One clock, the database's, for all workers; what is booked and not used is lost, never doubled.
    """
    rate = per_second(alias)
    if not rate:
        return 0.0
    given: dict[str, str | float] = {
        "alias": alias,
        "seconds": readers / rate,
        "longest": LONGEST_BOOKING,
    }
    with connection.cursor() as cursor:
        cursor.execute(BOOK[connection.vendor], given)
        if row := cursor.fetchone():
            return max(0.0, float(row[0]))
    _state, is_new = MailerState.objects.get_or_create(alias=alias)
    return book(alias, readers=readers) if is_new else None


def room(alias: str, *, domain: str) -> int | Full | None:
    """How many readers may be handed over now by this mailer from this domain, if that is being warmed up ("" if not);
    None when nothing limits it.

    Before that a first look. Exact inside the transaction that writes the attempt down, for it holds the mailer's row
    until its end.
    """
    limits = [*allowances.of_mailer(alias), *_of_domain(domain)]
    if not limits:
        return None
    _state, now = _locked(alias)
    least: int | None = None
    for each in limits:
        taken, first = each.taken(since=now - each.window)
        left = (each.cap(0) or 0) - taken
        if left <= 0:
            frees = (first or now) + each.window
            return Full(max(frees, now + timedelta(seconds=1)), each.used_up)
        least = left if least is None else min(least, left)
    return least


def _of_domain(domain: str) -> list[Allowance]:
    """Locks the domain's row, so that two mailers that send from it do not count at the same moment."""
    if not domain:
        return []
    rows = SendingDomain.objects.filter(domain__iexact=domain).annotate(now=Now())
    if transaction.get_connection().in_atomic_block:
        rows = rows.select_for_update()
    warming = rows.first()
    return allowances.warm_up(warming, day=warming.now.date()) if warming else []


def is_warming_up(domain: str) -> bool:
    return bool(_of_domain(domain))


def per_second(alias: str) -> float:
    """Readers; 0 when it has no limit."""
    return float(gateway.profile(alias).per_second or 0)


def _locked(alias: str) -> tuple[MailerState, datetime]:
    """The mailer's row, held until the end of the transaction if there is one, and the database's time."""
    MailerState.objects.get_or_create(alias=alias)
    rows = MailerState.objects.annotate(now=Now())
    if transaction.get_connection().in_atomic_block:
        rows = rows.select_for_update(of=("self",))
    state = rows.get(alias=alias)
    return state, state.now
