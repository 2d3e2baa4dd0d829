"""How each newsletter's readership has gone of late."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from desk import charts
from subscribers.models import ReaderDay

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from newsletter.models import Newsletter

DAYS = 30


@dataclass(frozen=True, slots=True)
class Growth:
    newsletter: Newsletter
    days: tuple[ReaderDay, ...]  # the oldest first
    chart: charts.Line | None

    @property
    def readers(self) -> int:
        return self.newsletter.active_readers

    @property
    def joined(self) -> int:
        return sum(day.joined for day in self.days)

    @property
    def left(self) -> int:
        return sum(day.left for day in self.days)

    @property
    def since(self) -> date | None:
        return self.days[0].day if self.days else None


def of(newsletters: Iterable[Newsletter]) -> list[Growth]:
    """The last days of each; one query for all of them."""
    those = list(newsletters)
    found: dict[int, list[ReaderDay]] = defaultdict(list)
    since = timezone.now().date() - timedelta(days=DAYS)
    for row in ReaderDay.objects.filter(newsletter__in=those, day__gte=since).order_by("-day"):
        found[row.newsletter_id].append(row)
    return [_growth(newsletter, found[newsletter.pk][:DAYS][::-1]) for newsletter in those]


def _growth(newsletter: Newsletter, days: list[ReaderDay]) -> Growth:
    return Growth(newsletter, tuple(days), charts.line([day.active for day in days]))
