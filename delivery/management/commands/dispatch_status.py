from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from delivery import progress
from delivery.models import Dispatch

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from django.db.models import QuerySet

NEWEST = 20


class Command(BaseCommand):
    help = f"The balance line of a dispatch, or of the newest {NEWEST}: every reader accounted for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dispatch", nargs="?", type=int)
        parser.add_argument("--json", action="store_true", help="a list, newest first (form: README)")

    def handle(self, *, dispatch: int | None, json: bool, **options: Any) -> None:
        dispatches: QuerySet[Dispatch] = Dispatch.objects.select_related("issue__newsletter").defer(
            "html", "text"
        )
        if dispatch is not None:
            dispatches = dispatches.filter(pk=dispatch)
            if not dispatches:
                raise CommandError(f"There is no dispatch {dispatch}.")
        self._print(dispatches[:NEWEST], as_json=json)

    def _print(self, dispatches: QuerySet[Dispatch], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps([progress.as_json(found) for found in dispatches], indent=2))
            return
        for found in dispatches:
            where = f"{found.issue.newsletter.slug}/{found.issue.slug}"
            reason = f": {found.reason}" if found.reason else ""
            self.stdout.write(f"{found.pk}  {where}  {found.state}{reason}")
            self.stdout.write(f"    {progress.balance(found).line()}")
        if not dispatches:
            self.stdout.write("Nothing has been sent yet.")
