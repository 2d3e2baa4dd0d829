"""When the last reader should have it, before anything has left.

From how fast the last issues went, and from what the mailer and a domain's warm-up allow. An estimate, and said as one:
where nothing is known, nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from delivery import allowances, circuit, preparation, throttle, waiting
from delivery.models import Dispatch

if TYPE_CHECKING:
    from newsletter.models import Issue, Newsletter

LOOKED_AT = 10  # of the last dispatches; the largest of them says how fast it goes
TOO_SMALL = 20  # a dispatch that was so many times smaller says nothing about this one
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Forecast:
    mailer: str  # as people call it
    finish: datetime | None = None  # None: nobody can say
    reason: str = ""  # why not all get it in one go, in words; "" when they do


def forecast(
    newsletter: Newsletter, *, readers: int, begin: datetime, but_for: Issue | None = None
) -> Forecast:
    """For so many readers from this moment on. `but_for`: an issue that may be planned already, for another time."""
    alias = circuit.in_use(preparation.MAILER)
    name = waiting.mailer_name(alias)
    per_second = _speed(alias, readers=readers)
    domain = newsletter.sender_email.rpartition("@")[2]
    held = allowances.hold(readers, alias=alias, domain=domain, begin=begin, but_for=but_for)
    took = timedelta(seconds=held.rest / per_second) if per_second else None
    if held.until > begin:
        return Forecast(name, _whole_minute(held.until + (took or timedelta())), held.words)
    return Forecast(name, _whole_minute(begin + took) if took is not None else None)


def _speed(alias: str, *, readers: int) -> float | None:
    """Readers a second, from kept numbers alone. None when too little is known."""
    sent = Dispatch.objects.filter(state=Dispatch.State.SENT, audience_size__gt=0).order_by("-started_at")
    rows = sent.only("mailable", "audience_size", "started_at", "finished_at")[:LOOKED_AT]
    known = [
        (each.readers, each.started_at, each.finished_at)
        for each in rows
        if each.readers and each.finished_at
    ]
    size, began, ended = max(known, default=(0, None, None))
    if began is None or ended is None or size * TOO_SMALL < readers:
        return throttle.per_second(alias) or None
    went = size / max((ended - began).total_seconds(), 1.0)
    return min(went, throttle.per_second(alias) or went)


def _whole_minute(moment: datetime) -> datetime:
    """Rounded up: whoever looks then finds it done."""
    return moment.replace(second=0, microsecond=0) + (
        MINUTE if moment.second or moment.microsecond else timedelta()
    )
