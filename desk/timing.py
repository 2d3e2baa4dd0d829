"""When an issue is to go out: what the send page offers, and what was chosen on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from delivery import planning
from delivery.models import Plan
from newsletter import clock, usual_times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.models import Issue, Newsletter

NOW, OTHER = "now", "other"
OFFERED = 3
COUNTED_DOWN = 600  # seconds
FARTHEST = datetime(9000, 1, 1, tzinfo=UTC)  # of what is to be reckoned with
WRITTEN = "%Y-%m-%dT%H:%M"  # as <input type="datetime-local"> gives it


@dataclass(frozen=True, slots=True)
class Chosen:
    """One answer to "when?". Without a moment it is now; with an error it is none."""

    value: str  # of the radio button
    at: datetime | None = None
    local: str = ""  # as it stands in the field
    note: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """The open plan of an issue, and how long until its time, by the database's clock."""

    plan: Plan
    seconds: int  # 0 when its time has come, or there is none yet

    @property
    def is_near(self) -> bool:
        """So near that it is counted down; a minute, if it was to go at once."""
        return bool(self.plan.approved_at) and self.seconds <= COUNTED_DOWN

    @property
    def total(self) -> int:
        """Of how many seconds these are the rest."""
        plan = self.plan
        if not plan.at or not plan.approved_at:
            return COUNTED_DOWN
        return min(COUNTED_DOWN, max(1, round((plan.at - plan.approved_at).total_seconds())))

    @property
    def has_passed(self) -> bool:
        return self.plan.at is not None and not self.seconds

    @property
    def asked_by(self) -> str:
        return planning.name(self.plan.asked_by)

    @property
    def approved_by(self) -> str:
        return planning.name(self.plan.approved_by)


def standing(issue: Issue) -> Standing | None:
    """One query."""
    plans = issue.plans.open().select_related("asked_by", "approved_by").annotate(now=Now())
    plan = plans.first()
    if plan is None:
        return None
    plan.issue = issue
    left = (plan.at - plan.now).total_seconds() if plan.at else 0.0  # type: ignore[attr-defined]  # by annotate
    return Standing(plan, seconds=max(0, round(left)))


def in_words(at: datetime, *, now: datetime) -> str:
    """By the clock that is switched on: "Tuesday 24 November at 06:30", with the year when it is another one."""
    here = timezone.localtime(at)
    is_this_year = here.year == timezone.localtime(now).year
    day = date_format(here, _("l j F") if is_this_year else _("l j F Y"))
    return _("%(day)s at %(time)s") % {"day": day, "time": f"{here:%H:%M}"}


def finish_in_words(finish: datetime, *, begin: datetime) -> str:
    """The time alone where it is the same day."""
    here = timezone.localtime(finish)
    if here.date() == timezone.localtime(begin).date():
        return f"{here:%H:%M}"
    return in_words(finish, now=begin)


def offered(newsletter: Newsletter, *, now: datetime) -> list[clock.Moment]:
    """The next usual times that are still free."""
    return usual_times.upcoming(newsletter, after=now, count=OFFERED)


def chosen(
    given: Mapping[str, str],
    newsletter: Newsletter,
    *,
    now: datetime,
    offers: list[clock.Moment],
    default: datetime | None,
) -> Chosen:
    """What the page was asked for; by itself what is planned, else the next usual time, else now."""
    match given.get("when", ""):
        case "":
            at = default or (offers[0].at if offers else None)
            return Chosen(NOW) if at is None else _of_moment(at, newsletter, offers=offers)
        case value if value == NOW:
            return Chosen(NOW)
        case value if value == OTHER:
            return _written(given.get("local", ""), newsletter, now=now)
        case value:
            at = moment(value)
            if at is None:
                return Chosen(OTHER, error=_("Choose a day and a time."))
            found = _of_moment(at, newsletter, offers=offers)
            return found if at > now else _passed(found.local, newsletter, now=now)


def moment(value: str) -> datetime | None:
    """From a form of ours, in UTC; None when it is none."""
    try:
        found = datetime.fromisoformat(value)
        at = found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return at if at and at < FARTHEST else None


def _of_moment(at: datetime, newsletter: Newsletter, *, offers: list[clock.Moment]) -> Chosen:
    offer = next((each for each in offers if each.at == at), None)
    if offer:
        return Chosen(at.isoformat(), at, note=offer.note)
    here = at.astimezone(ZoneInfo(newsletter.time_zone))
    return Chosen(OTHER, at, local=f"{here:{WRITTEN}}")


def _written(local: str, newsletter: Newsletter, *, now: datetime) -> Chosen:
    try:
        found = clock.moment(datetime.strptime(local[:16], WRITTEN), zone=newsletter.time_zone)  # noqa: DTZ007 -- a wall clock
    except (ValueError, OverflowError):
        return Chosen(OTHER, local=local, error=_("Choose a day and a time."))
    if found.at >= FARTHEST:
        return Chosen(OTHER, local=local, error=_("Choose a day and a time."))
    if found.at <= now:
        return _passed(local, newsletter, now=now)
    return Chosen(OTHER, found.at, local=local, note=found.note)


def _passed(local: str, newsletter: Newsletter, *, now: datetime) -> Chosen:
    here = now.astimezone(ZoneInfo(newsletter.time_zone))
    words = _("That has passed: in %(zone)s it is %(time)s now.")
    said = words % {"zone": newsletter.time_zone.replace("_", " "), "time": f"{here:%H:%M}"}
    return Chosen(OTHER, local=local, error=said)
