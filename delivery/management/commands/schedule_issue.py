from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from delivery import planning, tasks
from delivery.exceptions import AlreadyDispatched
from delivery.management import commanding, lookup
from newsletter import clock
from newsletter.models import Issue

if TYPE_CHECKING:
    from argparse import ArgumentParser

WRITTEN = "%Y-%m-%d %H:%M"


class Command(BaseCommand):
    help = "Let an issue go out at a time, by the newsletter's own clock. Beat and a worker start it then."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("newsletter", help="the newsletter's address on the site, like morning-courant")
        parser.add_argument("issue", help="the issue's address, like the-tide-tables")
        parser.add_argument("at", nargs="?", help='like "2026-11-24 06:30", in the newsletter\'s time zone')
        parser.add_argument("--cancel", action="store_true", help="make a scheduled issue a draft again")

    def handle(self, *, newsletter: str, issue: str, at: str | None, cancel: bool, **options: Any) -> None:
        if cancel == bool(at):
            raise CommandError('Give either a time, like "2026-11-24 06:30", or --cancel.')
        waiting = Issue.Status.SCHEDULED if cancel else Issue.Status.DRAFT
        found = lookup.issue(newsletter, issue, waiting=waiting)
        if at:
            self._schedule(found, at)
        else:
            self._cancel(found)

    def _schedule(self, issue: Issue, written: str) -> None:
        moment = self._moment(written, zone=issue.newsletter.time_zone)
        if issue.status != Issue.Status.DRAFT:
            raise CommandError(f"{self._state(issue)} Nothing was changed.")
        try:
            commanding.ask(issue, at=moment.at)
        except (planning.Refused, AlreadyDispatched) as problem:
            raise CommandError(f"{problem} Nothing was scheduled.") from problem
        for words in commanding.warnings(issue):
            self.stderr.write(words)
        issue.refresh_from_db()
        if moment.note:
            self.stdout.write(moment.note)
        self.stdout.write(f"{issue.newsletter.slug}/{issue.slug} goes out at {self._clock(issue)}.")

    def _moment(self, written: str, *, zone: str) -> clock.Moment:
        try:
            moment = clock.moment(datetime.strptime(written, WRITTEN), zone=zone)  # noqa: DTZ007 -- a wall clock
        except (ValueError, OverflowError):
            raise CommandError(f'{written!r} is no time like "2026-11-24 06:30".') from None
        now = timezone.now()
        if moment.at <= now:
            here = now.astimezone(ZoneInfo(zone))
            raise CommandError(
                f"{written} has passed: in {zone} it is {here:{WRITTEN}} now. Nothing was scheduled."
            )
        return moment

    def _cancel(self, issue: Issue) -> None:
        plan = issue.plans.open().first()
        if issue.status != Issue.Status.SCHEDULED or plan is None:
            raise CommandError(f"{self._state(issue)} Nothing was changed.")
        try:
            planning.withdraw(issue, plan_id=plan.pk, by=None)
        except (planning.Refused, AlreadyDispatched) as problem:
            raise CommandError(f"{problem} Nothing was changed.") from problem
        tasks.wake_notices(plan.pk)
        self.stdout.write(f"{issue.newsletter.slug}/{issue.slug} is a draft again.")

    def _state(self, issue: Issue) -> str:
        where = f"{issue.newsletter.slug}/{issue.slug}"
        match issue.status:
            case Issue.Status.SCHEDULED:
                return f"{where} is scheduled already, for {self._clock(issue)} (--cancel makes it a draft)."
            case Issue.Status.DRAFT:
                return f"{where} is not scheduled."
            case _:
                return f"{where} has been sent."

    def _clock(self, issue: Issue) -> str:
        zone = issue.newsletter.time_zone
        at = issue.scheduled_at
        return f"{at.astimezone(ZoneInfo(zone)):{WRITTEN}} ({zone})" if at else ""
