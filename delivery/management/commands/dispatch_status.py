from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from delivery import evidence, progress, waiting
from delivery.models import Dispatch

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from django.db.models import QuerySet

NEWEST = 20
MOST_DOUBTS = 50


class Command(BaseCommand):
    help = (
        f"The balance line of a dispatch, or of the newest {NEWEST}: every reader accounted for, and what it waits "
        "for. With a number, also each hand-over whose readers are uncertain."
    )

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
        self._print(dispatches[:NEWEST], as_json=json, in_full=dispatch is not None)

    def _print(self, dispatches: QuerySet[Dispatch], *, as_json: bool, in_full: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps([progress.as_json(found) for found in dispatches], indent=2))
            return
        for found in dispatches:
            self._print_one(found)
            if in_full:
                self._print_doubts(found)
        if not dispatches:
            self.stdout.write("Nothing has been sent yet.")

    def _print_one(self, found: Dispatch) -> None:
        where = f"{found.issue.newsletter.slug}/{found.issue.slug}"
        reason = f": {found.reason}" if found.reason and not found.is_running else ""
        self.stdout.write(f"{found.pk}  {where}  {found.state}{reason}")
        self.stdout.write(f"    {progress.balance(found).line()}")
        for words in waiting.waits(found, now=timezone.now()):
            self.stdout.write(f"    waiting: {words}")
        carried = progress.carried(found)
        if len(carried) > 1 or any(each.repeats for each in carried):
            self.stdout.write(f"    carried by: {'; '.join(map(_carried, carried))}")

    def _print_doubts(self, found: Dispatch) -> None:
        doubts = evidence.doubts(found.pk, most=MOST_DOUBTS + 1)
        for doubt in doubts[:MOST_DOUBTS]:
            self.stdout.write(f"    {_doubt(doubt)}")
        if len(doubts) > MOST_DOUBTS:
            self.stdout.write("    … and more; the page of the dispatch has all of them")


def _carried(each: progress.Carried) -> str:
    parts = [f"{each.name} accepted {each.accepted:,}"]
    parts += [f"refused {each.refused:,}"] if each.refused else []
    parts += [f"asked again {each.repeats:,}"] if each.repeats else []
    return ", ".join(parts)


def _doubt(doubt: evidence.Doubt) -> str:
    words = doubt.words or doubt.reason
    began = doubt.attempt.started_at
    key = f", key {doubt.attempt.key}" if doubt.attempt.key else ""
    return (
        f"uncertain since {doubt.since:%Y-%m-%d %H:%M:%S %Z}: {doubt.readers:,} "
        f"(attempt {doubt.attempt.pk}, {waiting.mailer_name(doubt.attempt.mailer)}, handed over "
        f"{began:%H:%M:%S}{key}): {words}"
    )
