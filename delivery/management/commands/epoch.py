from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from delivery import control, epoch, preparation, progress
from delivery.models import Dispatch
from newsletter.models import Issue

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from django.db.models import QuerySet

State = Dispatch.State
BY_HAND = "Somebody on the server froze it by hand."


class Command(BaseCommand):
    help = "Whether this database may send, what is open in it, and the way out when sending is frozen."

    def add_arguments(self, parser: ArgumentParser) -> None:
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument("--accept", metavar="SITE_HOST", help="this database is the one to go on with")
        ways.add_argument("--freeze", action="store_true", help="send nothing until somebody accepts")
        parser.add_argument(
            "--stop-open",
            action="store_true",
            help="with --accept: end what is open; nobody who waits gets it",
        )

    def handle(self, *, accept: str | None, freeze: bool, stop_open: bool, **options: Any) -> None:
        if stop_open and accept is None:
            raise CommandError("--stop-open goes with --accept SITE_HOST.")
        if freeze:
            epoch.freeze(BY_HAND)
        epoch.may_send()  # so that what is shown is true now
        if accept is None:
            self._show()
        elif accept.lower() != settings.SITE_HOST:
            raise CommandError(f"SITE_URL's host is {settings.SITE_HOST}. Nothing was changed.")
        elif not epoch.frozen():
            self.stdout.write("Sending is not frozen. Nothing was changed.")
        else:
            self._show()
            self._accept(stop_open=stop_open)

    def _accept(self, *, stop_open: bool) -> None:
        for dispatch_id in Dispatch.objects.filter(state=State.PREPARING).values_list("pk", flat=True):
            preparation.prepare(dispatch_id)  # sends nothing; only what is prepared can wait, or be stopped
        scheduled = Issue.objects.filter(status=Issue.Status.SCHEDULED).count()
        epoch.accept()
        self.stdout.write(f"\nAccepted: {settings.SITE_HOST} may send from this database.")
        if scheduled:
            self.stdout.write(
                f"{scheduled} scheduled issues are drafts again. They may have been sent since."
            )
        for dispatch in _open():
            if stop_open and control.stop(dispatch.pk):
                self.stdout.write(f"Dispatch {dispatch.pk} is stopped.")
            else:
                self.stdout.write(
                    f"Dispatch {dispatch.pk} is paused, until somebody goes on with it or stops it."
                )

    def _show(self) -> None:
        for line in epoch.report():
            self.stdout.write(line)
        for dispatch in _open():
            waiting = progress.balance(dispatch).pending
            where = f"{dispatch.issue.newsletter.slug}/{dispatch.issue.slug}"
            self.stdout.write(
                f"Open: dispatch {dispatch.pk}, {where}: {waiting:,} of {dispatch.audience_size or 0:,} readers wait."
            )
        if epoch.frozen():
            self.stdout.write("Whoever waits in an open dispatch may have the issue already.")
            self.stdout.write(f"To send again: manage.py epoch --accept {settings.SITE_HOST} [--stop-open]")


def _open() -> QuerySet[Dispatch]:
    found = Dispatch.objects.filter(state__in=[State.PREPARING, State.SENDING, State.PAUSED])
    return found.select_related("issue__newsletter").defer("html", "text").order_by("pk")
