from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from delivery import planning, preparation, progress, tasks
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.management import commanding, lookup
from delivery.models import Dispatch

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from newsletter.models import Issue

LOOK_EVERY = 0.5  # seconds
COUNTING_SHARE = 20  # how many times longer than it takes to count it waits until it counts again
PATIENCE = 15.0  # seconds without any progress before we ask whether a worker runs


class Command(BaseCommand):
    help = "Send an issue to every active reader of its newsletter. Workers do the work; --wait shows it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("newsletter", help="the newsletter's address on the site, like morning-courant")
        parser.add_argument("issue", help="the issue's address, like the-tide-tables")
        parser.add_argument(
            "--wait", action="store_true", help="stay until it has gone out, with a progress bar"
        )

    _look_every = LOOK_EVERY

    def handle(self, *, newsletter: str, issue: str, wait: bool, **options: Any) -> None:
        found = lookup.issue(newsletter, issue)
        try:
            dispatch = self._begun(found)
        except AlreadyDispatched as earlier:
            line = progress.balance(Dispatch.objects.get(pk=earlier.dispatch_id)).line()
            raise CommandError(
                f"{earlier} Nothing was sent now. Dispatch {earlier.dispatch_id}: {line}"
            ) from earlier
        except (CannotStart, planning.Refused) as problem:
            raise CommandError(f"{problem} Nothing was sent.") from problem
        tasks.wake(dispatch.pk)
        self.stdout.write(f"Dispatch {dispatch.pk} has started.")
        if wait:
            self._watch(dispatch)

    def _begun(self, issue: Issue) -> Dispatch:
        """Planned and begun in one step: whoever types this has named the issue, and gets no minute to think."""
        with transaction.atomic():
            if issue.newsletter.needs_second_person:
                return preparation.start(issue, plan=commanding.due_plan(issue))
            plan = commanding.ask(issue, at=None)
            for words in commanding.warnings(issue):
                self.stderr.write(words)
            issue.refresh_from_db()
            return preparation.start(issue, plan=plan)

    def _watch(self, dispatch: Dispatch) -> None:
        while dispatch.state == Dispatch.State.PREPARING:
            self._pause_until_progress(dispatch)
        with click.progressbar(length=dispatch.audience_size or 0, label="Sending", file=sys.stderr) as bar:
            while dispatch.is_running:
                began = time.monotonic()
                bar.update(progress.balance(dispatch).settled - bar.pos)
                # Watching must not slow down what is watched: a big ledger is counted less often.
                self._look_every = max(LOOK_EVERY, COUNTING_SHARE * (time.monotonic() - began))
                self._pause_until_progress(dispatch, settled=bar.pos)
            found = progress.balance(dispatch)
            bar.update(found.settled - bar.pos)
        self.stdout.write(found.line())
        if dispatch.state != Dispatch.State.SENT:
            raise CommandError(f"The dispatch is {dispatch.get_state_display()}: {dispatch.reason}")

    def _pause_until_progress(self, dispatch: Dispatch, *, settled: int = 0) -> None:
        now = time.monotonic()
        if settled != getattr(self, "_settled", -1) or not hasattr(self, "_since"):
            self._settled, self._since = settled, now
        elif now - self._since > PATIENCE:
            self._since = now
            self.stderr.write(
                f"No progress for {PATIENCE:.0f} s. Is a worker running? (celery -A config worker)"
            )
        time.sleep(self._look_every)
        dispatch.refresh_from_db()
