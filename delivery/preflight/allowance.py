"""Whether the provider takes so many readers at once, and how long it takes if not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Q, Sum
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery import throttle
from delivery.models import Attempt, SendingDomain
from delivery.throttle import DAY, HOUR
from newsletter.preflight import Finding, Level, mark

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Limit:
    """So many readers in each window; a warm-up's grow from day to day."""

    words: str
    windows: tuple[int, ...]  # readers in the first window, the second …; the last one goes on
    length: timedelta
    used: int = 0  # of the first window

    def lasts(self, readers: int) -> timedelta:
        """From the first reader to the last: nothing when all fit into the first window."""
        waited = timedelta()
        for number, room in enumerate(self.windows):
            room = max(0, room - self.used) if number == 0 else room
            if readers <= room:
                return waited
            readers -= room
            waited += self.length
        return waited + self.length * (math.ceil(readers / self.windows[-1]) - 1)


def findings(alias: str, *, domain: str, readers: int, at: datetime) -> list[Finding]:
    limits = [*_of_mailer(alias, at=at), *_of_domain(domain, at=at)]
    slowest = max(limits, key=lambda limit: limit.lasts(readers), default=None)
    if slowest and (lasts := slowest.lasts(readers)):
        words = _("%(limit)s With %(readers)s readers, the last gets it %(duration)s after the first.")
        text = words % {"limit": slowest.words, "readers": _number(readers), "duration": in_words(lasts)}
        return [Finding("allowance", Level.WARNING, text, "mailer", mark(slowest.words, in_words(lasts)))]
    rate = throttle.per_second(alias)
    if rate and (seconds := readers / rate) >= 60:
        words = _("The last reader gets it about %(duration)s after the first.")
        text = words % {"duration": in_words(timedelta(seconds=seconds))}
        return [Finding("pace", Level.FINE, text, "mailer")]
    return []


def in_words(time: timedelta) -> str:
    """As roughly as people say it."""
    if time >= timedelta(hours=36):
        days = math.ceil(time / DAY)
        return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
    if time >= timedelta(minutes=90) or time == HOUR:
        hours = math.ceil(time / HOUR)
        return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    minutes = max(1, math.ceil(time / timedelta(minutes=1)))
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}


def _of_mailer(alias: str, *, at: datetime) -> list[Limit]:
    given: dict[str, Any] = settings.HAND_OVER[alias]
    windows = (
        ("per_hour", HOUR, _("The mailer takes %(readers)s readers an hour.")),
        ("per_day", DAY, _("The mailer takes %(readers)s readers a day.")),
    )
    return [
        Limit(
            words % {"readers": _number(given[name])},
            (given[name],),
            length,
            used=_used(Q(mailer=alias), since=at - length),
        )
        for name, length, words in windows
        if given.get(name)
    ]


def _of_domain(domain: str, *, at: datetime) -> list[Limit]:
    """The caps of each day of the warm-up from then on."""
    warming = SendingDomain.objects.filter(domain__iexact=domain).first()
    if warming is None:
        return []
    days = (warming.cap((at + DAY * number).date()) for number in range(SendingDomain.LENGTH.days + 1))
    caps = [cap for cap in days if cap is not None]
    if not caps:
        return []
    words = _("%(domain)s is being warmed up: %(readers)s readers a day at first.")
    text = words % {"domain": domain, "readers": _number(caps[0])}
    return [Limit(text, tuple(caps), DAY, used=_used(Q(domain=domain), since=at - DAY))]


def _used(counts: Q, *, since: datetime) -> int:
    rows = Attempt.objects.filter(counts, started_at__gt=since)
    return rows.aggregate(used=Sum("readers"))["used"] or 0


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)
