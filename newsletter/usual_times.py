"""When a newsletter usually goes out, as the next moments that are still free."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils import timezone

from newsletter import clock
from newsletter.models import Issue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from newsletter.models import Newsletter

# Times that were all taken for so long are none to wait for.
FURTHEST = timedelta(weeks=60)


def upcoming(newsletter: Newsletter, *, after: datetime | None = None, count: int = 5) -> list[clock.Moment]:
    """By the newsletter's own clock; without those for which an issue of it is already scheduled."""
    start = after or timezone.now()
    taken = set(
        newsletter.issues.filter(status=Issue.Status.SCHEDULED, scheduled_at__gt=start).values_list(
            "scheduled_at", flat=True
        )
    )
    free = (moment for moment in _moments(newsletter, after=start) if moment.at not in taken)
    return list(islice(free, count))


def _moments(newsletter: Newsletter, *, after: datetime) -> Iterator[clock.Moment]:
    """Each once, in order: in the night when clocks go forward, two usual times may mean the same moment."""
    usual = list(newsletter.usual_times.all())
    last = after.astimezone(UTC)
    for day in _days(newsletter, after=after) if usual else ():
        times = {each.time for each in usual if each.is_on(day.weekday())}
        found = (clock.moment(datetime.combine(day, time), zone=newsletter.time_zone) for time in times)
        for moment in sorted(found, key=lambda moment: moment.at):
            if moment.at > last:
                last = moment.at
                yield moment


def _days(newsletter: Newsletter, *, after: datetime) -> Iterator[date]:
    """From the day before: what clocks skipped then may have become a moment of today."""
    today = after.astimezone(ZoneInfo(newsletter.time_zone)).date()
    return (today + timedelta(days=number) for number in range(-1, FURTHEST.days))
