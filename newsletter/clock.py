"""From what an editor's clock shows to the moment it means, in the two nights of a year in which that is not plain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Moment:
    at: datetime  # UTC
    note: str = ""  # for the editor, when the clocks change in that night and a rule was needed


def moment(local: datetime, *, zone: str) -> Moment:
    """When clocks in this IANA zone show `local` (naive, of the years 2 to 9998).

    A time that they skip becomes the first moment after the gap; of a time that they show twice it is the first.
    """
    place = ZoneInfo(zone)
    first, second = (local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return Moment(first)
    if first < second:
        return Moment(first, _twice(local, zone=zone))
    after = _first_after_gap(local, place=place, before=second, behind=first)
    return Moment(after, _never(local, after.astimezone(place), zone=zone))


def _first_after_gap(local: datetime, *, place: ZoneInfo, before: datetime, behind: datetime) -> datetime:
    """Clocks change at whole seconds; the one at which these did lies between the two."""
    low, high = before.replace(microsecond=0), behind.replace(microsecond=0)
    while high - low > SECOND:
        middle = low + (high - low) // (2 * SECOND) * SECOND
        if middle.astimezone(place).replace(tzinfo=None) < local:
            low = middle
        else:
            high = middle
    return high


def _twice(local: datetime, *, zone: str) -> str:
    return _(
        "On %(day)s the clocks in %(zone)s go back, and %(time)s comes twice: it goes out the first time."
    ) % {"day": date_format(local, "j F Y"), "zone": zone, "time": f"{local:%H:%M}"}


def _never(local: datetime, after: datetime, *, zone: str) -> str:
    return _(
        "On %(day)s the clocks in %(zone)s go forward, and %(time)s does not come: it goes out at %(after)s."
    ) % {
        "day": date_format(local, "j F Y"),
        "zone": zone,
        "time": f"{local:%H:%M}",
        "after": f"{after:%H:%M}",
    }
