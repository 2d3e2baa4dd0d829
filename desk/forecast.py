"""When the last reader should have it, before anything has left.

From how fast the last issues went, and from what the mailer and a domain's warm-up allow. An estimate, and said as one:
where nothing is known, nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Min, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from delivery import circuit, preparation, throttle, waiting
from delivery.models import Attempt, Dispatch, MailerState, Plan, SendingDomain

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.models import Newsletter

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOOKED_AT = 10  # of the last dispatches; the largest of them says how fast it goes
TOO_SMALL = 20  # a dispatch that was so many times smaller says nothing about this one
LONGEST = timedelta(days=60)  # what would take longer is not to be sent in this way
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Forecast:
    mailer: str  # as people call it
    finish: datetime | None = None  # None: nobody can say
    reason: str = ""  # why not all get it in one go, in words; "" when they do


def forecast(newsletter: Newsletter, *, readers: int, begin: datetime) -> Forecast:
    """For so many readers from this moment on."""
    alias = _mailer()
    name = waiting.mailer_name(alias)
    per_second = _speed(alias, readers=readers)
    held = max(
        (each.hold(readers, begin=begin) for each in _allowances(alias, newsletter, begin=begin)),
        key=lambda hold: hold.until,
        default=Hold(begin, readers),
    )
    took = timedelta(seconds=held.rest / per_second) if per_second else None
    if held.until > begin:
        return Forecast(name, _whole_minute(held.until + (took or timedelta())), held.reason)
    return Forecast(name, _whole_minute(begin + took) if took is not None else None)


@dataclass(frozen=True, slots=True)
class Hold:
    """From when on the rest may go, and how many readers that is."""

    until: datetime
    rest: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many readers in a rolling window; `cap` may grow from window to window."""

    window: timedelta
    cap: Callable[[int], int | None]
    used: int
    frees: datetime | None  # when what was used counts no more
    reason: str

    def hold(self, readers: int, *, begin: datetime) -> Hold:
        cap = self.cap(0)
        rest = 0 if cap is None else readers - max(cap - self.used, 0)
        if rest <= 0:
            return Hold(begin, readers)
        until, number = max(self.frees or begin + self.window, begin), 1
        while (cap := self.cap(number)) is not None and rest > cap and until - begin < LONGEST:
            rest, until, number = rest - cap, until + self.window, number + 1
        return Hold(until, rest, self.reason)


def _mailer() -> str:
    """By which the first batch would go now."""
    aliases = circuit.mailers(preparation.MAILER)
    broken = MailerState.objects.filter(alias__in=aliases).exclude(broken_since=None)
    down = set(broken.values_list("alias", flat=True))
    return next((alias for alias in aliases if alias not in down), preparation.MAILER)


def _speed(alias: str, *, readers: int) -> float | None:
    """Readers a second, from kept numbers alone. None when too little is known."""
    sent = Dispatch.objects.filter(state=Dispatch.State.SENT, audience_size__gt=0).order_by("-started_at")
    rows = sent.values_list("audience_size", "started_at", "finished_at")[:LOOKED_AT]
    known = [(size, began, ended) for size, began, ended in rows if size and ended]
    size, began, ended = max(known, default=(0, None, None))
    if began is None or ended is None or size * TOO_SMALL < readers:
        return throttle.per_second(alias) or None
    went = size / max((ended - began).total_seconds(), 1.0)
    return min(went, throttle.per_second(alias) or went)


def _allowances(alias: str, newsletter: Newsletter, *, begin: datetime) -> list[Allowance]:
    given: dict[str, Any] = settings.HAND_OVER.get(alias, {})
    name = waiting.mailer_name(alias)
    found = []
    for key, window, words in (
        ("per_hour", HOUR, _("At most %(readers)s readers an hour go through %(name)s")),
        ("per_day", DAY, _("At most %(readers)s readers a day go through %(name)s")),
    ):
        if cap := given.get(key):
            said = words % {"readers": f"{cap:,}", "name": name}
            found.append(_fixed(cap, Q(mailer=alias), window, begin=begin, reason=said))
    return [*found, *_warm_up(newsletter, begin=begin)]


def _fixed(cap: int, counts: Q, window: timedelta, *, begin: datetime, reason: str) -> Allowance:
    used, frees = _used(counts, window, begin=begin)
    return Allowance(window, lambda _number: cap, used, frees, reason)


def _warm_up(newsletter: Newsletter, *, begin: datetime) -> list[Allowance]:
    domain = newsletter.sender_email.rpartition("@")[2]
    warming = SendingDomain.objects.filter(domain__iexact=domain).first()
    first = begin.date()
    cap = warming.cap(first) if warming else None
    if warming is None or cap is None:
        return []
    used, frees = _used(Q(domain__iexact=domain), DAY, begin=begin)
    reason = _("%(domain)s is being warmed up, with %(readers)s readers on its first day here") % {
        "domain": domain,
        "readers": f"{cap:,}",
    }
    return [Allowance(DAY, lambda number: warming.cap(first + number * DAY), used, frees, reason)]


def _used(counts: Q, window: timedelta, *, begin: datetime) -> tuple[int, datetime | None]:
    """By then: what was handed over, and what other issues are planned to take."""
    lately = Attempt.objects.filter(counts, started_at__gt=begin - window, readers__gt=0)
    found = lately.aggregate(readers=Sum("readers"), first=Min("started_at"))
    now = timezone.now()
    planned = Plan.objects.open().filter(
        approved_at__isnull=False, at__gt=max(begin - window, now), at__lt=begin
    )
    others = planned.aggregate(readers=Sum("readers"), first=Min("at"))
    firsts = [each["first"] for each in (found, others) if each["first"]]
    return (found["readers"] or 0) + (others["readers"] or 0), min(firsts) + window if firsts else None


def _whole_minute(moment: datetime) -> datetime:
    """Rounded up: whoever looks then finds it done."""
    return moment.replace(second=0, microsecond=0) + (
        MINUTE if moment.second or moment.microsecond else timedelta()
    )
