"""How many readers may go in an hour and a day: by a mailer, and from a domain that is being warmed up.

For the engine, which counts what was handed over, and for whoever looks ahead, where what is planned counts as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import F, Min, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from delivery import waiting
from delivery.models import Attempt, Dispatch, Plan, SendingDomain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from newsletter.models import Issue

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONGEST = timedelta(days=366)  # nobody looks further ahead


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many readers within a rolling window, and what counts towards it."""

    counts: Q  # hand-overs
    window: timedelta
    cap: Callable[[int], int | None]  # in the first window, the second …; None: no limit from then on
    words: str  # how it is, without a full stop
    used_up: str  # as a sentence
    domain: str = ""  # "": whoever sends

    def taken(self, *, since: datetime) -> tuple[int, datetime | None]:
        """Readers that were handed over, and when the first of them was."""
        lately = Attempt.objects.filter(self.counts, started_at__gt=since, readers__gt=0)
        found = lately.aggregate(readers=Sum("readers"), first=Min("started_at"))
        return found["readers"] or 0, found["first"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What others will take."""

    at: datetime
    readers: int
    domain: str


@dataclass(frozen=True, slots=True)
class Hold:
    """From when on the last of them may go, how many readers these are, and why not all of them at once."""

    until: datetime
    rest: int
    words: str = ""
    windows: int = 0  # that they take; unlike the time until then the same a minute later


def hold(readers: int, *, alias: str, domain: str, begin: datetime, but_for: Issue | None = None) -> Hold:
    """For so many readers from this moment on, by the mailer that is in use: what holds them up longest.

    What goes out now, or is planned until then, comes first; `but_for` is the issue that asks, whose own plan is no
    other's. Without limits this costs one query.
    """
    limits = [*of_mailer(alias), *of_domain(domain, day=begin.date())]
    claims = _claims(but_for, begin=begin) if limits else []
    holds = (_hold(each, readers, begin=begin, claims=claims) for each in limits)
    return max(holds, key=lambda each: each.until, default=Hold(begin, readers))


def of_mailer(alias: str) -> list[Allowance]:
    given: dict[str, Any] = settings.HAND_OVER.get(alias, {})
    windows = (
        (
            "per_hour",
            HOUR,
            _("At most %(readers)s readers an hour go through %(name)s"),
            _("The allowance of %(readers)s readers an hour is used up."),
        ),
        (
            "per_day",
            DAY,
            _("At most %(readers)s readers a day go through %(name)s"),
            _("The allowance of %(readers)s readers a day is used up."),
        ),
    )
    return [
        _fixed(alias, cap, window, words=words, used_up=used_up)
        for key, window, words, used_up in windows
        if (cap := given.get(key))
    ]


def _fixed(alias: str, cap: int, window: timedelta, *, words: str, used_up: str) -> Allowance:
    said = {"readers": f"{cap:,}", "name": waiting.mailer_name(alias)}
    return Allowance(Q(mailer=alias), window, lambda _number: cap, words % said, used_up % said)


def of_domain(domain: str, *, day: date) -> list[Allowance]:
    warming = SendingDomain.objects.filter(domain__iexact=domain).first()
    return warm_up(warming, day=day) if warming else []


def warm_up(warming: SendingDomain, *, day: date) -> list[Allowance]:
    """As it is on this day; nothing when it is over by then."""
    cap = warming.cap(day)
    if cap is None:
        return []
    domain = warming.domain.lower()
    said = {"domain": domain, "readers": f"{cap:,}"}
    words = _("%(domain)s is being warmed up, with %(readers)s readers a day at first")
    used_up = _("%(domain)s is being warmed up: %(readers)s readers a day at present.")
    return [
        Allowance(
            Q(domain=domain),
            DAY,
            lambda number: warming.cap(day + number * DAY),
            words % said,
            used_up % said,
            domain,
        )
    ]


def _hold(allowance: Allowance, readers: int, *, begin: datetime, claims: Sequence[Claim]) -> Hold:
    since = begin - allowance.window
    taken, first = allowance.taken(since=since)
    others = [each for each in claims if each.at > since and allowance.domain in {"", each.domain}]
    used = taken + sum(each.readers for each in others)
    cap = allowance.cap(0)
    rest = 0 if cap is None else readers - max(cap - used, 0)
    if rest <= 0:
        return Hold(begin, readers)
    earliest = min((at for at in (first, *(each.at for each in others)) if at), default=begin)
    until, number = max(earliest + allowance.window, begin), 1
    while (cap := allowance.cap(number)) is not None and rest > cap and until - begin < LONGEST:
        rest, until, number = rest - cap, until + allowance.window, number + 1
    return Hold(until, rest, allowance.words, number)


def _claims(but_for: Issue | None, *, begin: datetime) -> list[Claim]:
    """What is planned until then, and what of the issues that go out now is still to go."""
    now, mine = timezone.now(), but_for.pk if but_for else None
    plans = Plan.objects.open().filter(approved_at__isnull=False, at__gt=now, at__lte=begin)
    planned = plans.exclude(issue=mine).values_list("at", "readers", "issue__newsletter__sender_email")
    running = Dispatch.objects.filter(state__in=[Dispatch.State.PREPARING, Dispatch.State.SENDING])
    size = Coalesce(F("mailable"), F("audience_size"), F("issue__newsletter__active_readers"))
    sizes = running.exclude(issue=mine).values_list("pk", size, "issue__newsletter__sender_email")
    claims = [_claim(at, readers, sender) for at, readers, sender in planned if at]
    if found := list(sizes):
        taken = _taken([pk for pk, _readers, _sender in found])
        claims += [
            _claim(min(now, begin), readers - taken.get(pk, 0), sender) for pk, readers, sender in found
        ]
    return claims


def _claim(at: datetime, readers: int, sender: str) -> Claim:
    return Claim(at, max(readers, 0), sender.rpartition("@")[2].lower())


def _taken(dispatches: Sequence[int]) -> dict[int, int]:
    attempts = Attempt.objects.filter(batch__dispatch__in=dispatches).order_by()
    return dict(attempts.values_list("batch__dispatch").annotate(taken=Sum("readers")))
