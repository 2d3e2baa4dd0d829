"""Attack mode: far more sign-ups than a newsletter usually has, and everybody is asked a riddle until it is quiet.

What is usual is learnt from the last fortnight. A siege is a row (Siege), so all processes know of it, and the desk
shows it. Web processes look for open ones every few seconds, not at each post.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import F, Q
from django.db.models.functions import Greatest

from newsletter.models import Newsletter
from subscribers.guard import tallies
from subscribers.models import ConsentEvent, Letter, Siege

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

STRETCH = timedelta(minutes=10)
FORTNIGHT = timedelta(days=14)
TIMES_USUAL, AT_LEAST = 4, 50
GROWTH = 2 ** (
    1 / 24
)  # an hour, so twofold a day at most: whoever stays just below the limit teaches us slowly
QUIET = timedelta(minutes=30)
# Confirmations an hour while it lasts, by what is usual in ten minutes: a busy hour's, and no more.
LETTERS_AN_HOUR = 2
# What anybody can make us send by typing an address.
HELD_BACK = tuple(Letter.Kind(each) for each in ("confirmation", "reminder", "known", "manage", "welcome"))
LOOK_AGAIN, NOTE_AGAIN = 3.0, 10.0  # seconds


@dataclass(frozen=True, slots=True)
class _Known:
    usual: dict[int, int]
    besieged: frozenset[int]
    until: float  # monotonic


_known = _Known({}, frozenset(), 0.0)
_forgotten = 0  # how often
_noted: dict[int, float] = {}  # when this process wrote last that a siege goes on


def counter(newsletter_id: int) -> tuple[str, timedelta]:
    """Of its sign-ups, for `tallies`."""
    return f"sign_ups:{newsletter_id}", STRETCH


def counts(newsletter_id: int, *, now: datetime) -> bool:
    """Count one more sign-up. Whether its newsletter is besieged, by this one perhaps."""
    name, within = counter(newsletter_id)
    return is_besieged(newsletter_id, sign_ups=tallies.count(name, within=within, now=now), now=now)


def is_besieged(newsletter_id: int, *, sign_ups: int, now: datetime) -> bool:
    """`sign_ups`: counted, in this stretch of time."""
    usual = _look().usual.get(newsletter_id, AT_LEAST)
    if sign_ups <= usual:
        return is_on(newsletter_id, now=now)
    if time.monotonic() >= _noted.get(newsletter_id, 0.0):
        _noted[newsletter_id] = time.monotonic() + NOTE_AGAIN
        _note(newsletter_id, sign_ups=sign_ups, usual=usual, now=now)
        forget()
    return True


def is_on(newsletter_id: int, *, now: datetime) -> bool:
    return newsletter_id in _look().besieged


def may_send(newsletter_id: int, *, now: datetime) -> bool:
    """Whether one more confirmation of this newsletter may leave now. False: later, when the hour has room again."""
    if not is_on(newsletter_id, now=now):
        return True
    most = ceiling(_look().usual.get(newsletter_id, AT_LEAST))
    sent = Letter.objects.filter(
        kind__in=HELD_BACK, newsletter=newsletter_id, sent_at__gt=now - timedelta(hours=1)
    )
    return sent[:most].count() < most


def end_quiet(*, now: datetime) -> int:
    """End those of which nothing was seen for a while. Returns how many."""
    ended = Siege.objects.filter(ended_at=None, last_seen_at__lt=now - QUIET).update(ended_at=now)
    if ended:
        forget()
        logger.info("Attack mode is over for %s newsletter(s).", ended)
    return ended


def learn(*, now: datetime) -> None:
    """What is usual for each newsletter: four times its busiest ten minutes of the last fortnight, step by step.

    Run it once an hour.
    """
    for newsletter in Newsletter.objects.only("pk", "usual_sign_ups"):
        most = int(max(AT_LEAST, newsletter.usual_sign_ups) * GROWTH)
        usual = max(AT_LEAST, min(most, TIMES_USUAL * _busiest(newsletter, now=now)))
        if usual != newsletter.usual_sign_ups:
            Newsletter.objects.filter(pk=newsletter.pk).update(usual_sign_ups=usual)


def of(newsletters: Iterable[Newsletter]) -> QuerySet[Siege]:
    """Those that go on first, then the latest."""
    those = Siege.objects.filter(newsletter__in=newsletters).select_related("newsletter")
    return those.order_by(F("ended_at").desc(nulls_first=True), "-began_at")


def ceiling(usual: int) -> int:
    """So many confirmations an hour leave while it lasts."""
    return usual * LETTERS_AN_HOUR


def forget() -> None:
    """Look at the database at the next post."""
    global _known, _forgotten
    _forgotten += 1
    _known = _Known({}, frozenset(), 0.0)


def _look() -> _Known:
    global _known
    known, forgotten = _known, _forgotten
    if time.monotonic() >= known.until:
        known = _Known(
            dict(Newsletter.objects.order_by().values_list("pk", "usual_sign_ups")),
            frozenset(Siege.objects.filter(ended_at=None).order_by().values_list("newsletter_id", flat=True)),
            time.monotonic() + LOOK_AGAIN,
        )
        # Else a siege may have begun while we looked, and nobody would see it for seconds.
        if forgotten == _forgotten:
            _known = known
    return known


def _note(newsletter_id: int, *, sign_ups: int, usual: int, now: datetime) -> None:
    """Of several processes that see it at the same moment, one begins it: there is one open row at a time."""
    going_on = Siege.objects.filter(newsletter=newsletter_id, ended_at=None)
    if going_on.update(last_seen_at=now, most=Greatest("most", sign_ups)):
        return
    siege = Siege(newsletter_id=newsletter_id, began_at=now, last_seen_at=now, usual=usual, most=sign_ups)
    Siege.objects.bulk_create([siege], ignore_conflicts=True)
    logger.warning(
        "Attack mode for newsletter %s: %s sign-ups in ten minutes, usual are up to %s.",
        newsletter_id,
        sign_ups,
        usual,
    )


def _busiest(newsletter: Newsletter, *, now: datetime) -> int:
    """Without the times of sieges, and the minutes before each: a flood must not teach us that floods are usual."""
    asked = ConsentEvent.objects.filter(
        kind__in=(ConsentEvent.Kind.ASKED, ConsentEvent.Kind.SINGLE),
        method=ConsentEvent.Method.FORM,
        newsletter=newsletter,
        happened_at__gt=now - FORTNIGHT,
    )
    for siege in newsletter.sieges.filter(Q(ended_at=None) | Q(ended_at__gt=now - FORTNIGHT)):
        asked = asked.exclude(happened_at__range=(siege.began_at - STRETCH, siege.ended_at or now))
    times = asked.order_by().values_list("happened_at", flat=True).iterator()
    stretches = Counter(int(at.timestamp() // STRETCH.total_seconds()) for at in times)
    return max(stretches.values(), default=0)
