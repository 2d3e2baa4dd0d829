"""The kept counts of readers. Pages show them; nothing counts the audience while somebody waits."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from newsletter.models import Newsletter
from subscribers.models import ReaderDay, Subscriber, Subscription, Suppression

if TYPE_CHECKING:
    from collections.abc import Mapping

# Counting so many at the moment somebody asks costs about 0.1 s; above it, the kept count must do.
BOUND = 200_000
LOOK_BACK = 90  # days that are told from the subscriptions, where no row was kept


@dataclass(frozen=True, slots=True)
class Readership:
    """Mailable readers, by how often they want it."""

    every: int = 0
    weekdays: int = 0
    weekly: int = 0

    @property
    def total(self) -> int:
        return self.every + self.weekdays + self.weekly


def readership(newsletter: Newsletter) -> Readership:
    """As it is now, counted in one query; above BOUND, as last counted."""
    if newsletter.active_readers > BOUND:
        return kept(newsletter)
    return _by_frequency(newsletter)


def kept(newsletter: Newsletter) -> Readership:
    """As last counted; counted anew only where nothing is kept yet."""
    if not newsletter.active_readers:
        return _by_frequency(newsletter)
    weekdays, weekly = newsletter.weekday_readers, newsletter.weekly_readers
    return Readership(newsletter.active_readers - weekdays - weekly, weekdays, weekly)


def _by_frequency(newsletter: Newsletter) -> Readership:
    """The mailable ones: all active ones but the suppressed. Few are, so they are found from their side; to ask of each
    active reader whether they are suppressed takes several times as long."""
    active = Subscription.objects.active(newsletter)
    barred = Subscriber.objects.filter(address_key__in=Suppression.objects.values("address_key"))
    found, suppressed = _counted(active), _counted(active.filter(subscriber__in=barred))
    return Readership(**{name: max(count - suppressed.get(name, 0), 0) for name, count in found.items()})


def _counted(readers: QuerySet[Subscription]) -> dict[str, int]:
    return dict(readers.order_by().values_list("frequency").annotate(readers=Count("*")))


def refresh(newsletters: QuerySet[Newsletter] | None = None) -> None:
    """Count each newsletter's mailable readers anew, or these newsletters'."""
    newsletters = Newsletter.objects.all() if newsletters is None else newsletters
    for newsletter in newsletters.only("pk"):
        found = _by_frequency(newsletter)
        counts = {
            "active_readers": found.total,
            "weekday_readers": found.weekdays,
            "weekly_readers": found.weekly,
        }
        Newsletter.objects.filter(pk=newsletter.pk).exclude(**counts).update(**counts)


def note_days(*, now: datetime, newsletters: QuerySet[Newsletter] | None = None) -> None:
    """Keep each newsletter's row of today, by its own calendar, and whatever days were missed before it."""
    newsletters = Newsletter.objects.all() if newsletters is None else newsletters
    for newsletter in newsletters.only("pk", "time_zone", "active_readers"):
        _note_days(newsletter, now=now)


def recount(newsletter: Newsletter, *, now: datetime) -> None:
    """At once, after many have come or gone together; a person waits for this number."""
    this = Newsletter.objects.filter(pk=newsletter.pk)
    refresh(this)
    note_days(now=now, newsletters=this)


def _note_days(newsletter: Newsletter, *, now: datetime) -> None:
    zone = zoneinfo.ZoneInfo(newsletter.time_zone)
    today = now.astimezone(zone).date()
    before = newsletter.days.filter(day__gte=today - timedelta(days=LOOK_BACK), day__lt=today)
    last = before.order_by("-day").values_list("day", flat=True).first()
    first = last or today - timedelta(days=LOOK_BACK)  # the last one was written before its day was over
    rows = _rows(newsletter, first=first, today=today, zone=zone)
    _write(rows[:1], fields=["active", "joined", "left"])
    _write(rows[1:], fields=["joined", "left"])  # how many there were then is not known any better now


def _rows(newsletter: Newsletter, *, first: date, today: date, zone: zoneinfo.ZoneInfo) -> list[ReaderDay]:
    """Today's first, then backwards from how many there are now."""
    joined = _by_day(newsletter, "confirmed_at", first=first, zone=zone)
    left = _by_day(newsletter, "unsubscribed_at", first=first, zone=zone)
    found, active = [], newsletter.active_readers
    for back in range((today - first).days + 1):
        day = today - timedelta(days=back)
        came, went = joined.get(day, 0), left.get(day, 0)
        found.append(ReaderDay(newsletter=newsletter, day=day, active=max(active, 0), joined=came, left=went))
        active += went - came
    return found


def _by_day(newsletter: Newsletter, name: str, *, first: date, zone: zoneinfo.ZoneInfo) -> Mapping[date, int]:
    """By the index on that time."""
    since = datetime.combine(first, time.min, tzinfo=zone)
    those = Subscription.objects.filter(newsletter=newsletter, **{f"{name}__gte": since})
    days = those.order_by().annotate(day=TruncDate(name, tzinfo=zone)).values_list("day")
    return dict(days.annotate(count=Count("pk")))


def _write(rows: list[ReaderDay], *, fields: list[str]) -> None:
    ReaderDay.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["newsletter", "day"], update_fields=fields
    )
