from __future__ import annotations

import csv
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import counting, importing

if TYPE_CHECKING:
    from argparse import ArgumentParser

LABELS = {
    "added": "added",
    "repeated": "twice in the file",
    "kept_active": "already readers",
    "kept_pending": "kept: have yet to confirm",
    "kept_unsubscribed": "kept unsubscribed",
    "kept_out": "not added: left before",
    "suppressed": "not added: bounced or complained before",
    "rejected": "rejected",
}


class Command(BaseCommand):
    help = (
        "Add a CSV file's readers (first line: email[,first_name and fields of yours]) to a newsletter."
        " You vouch for their consent."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("newsletter", help="the newsletter's address on the site, like morning-courant")
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--consent",
            default="",
            help="where, when and to what these readers agreed: kept with each of them as proof",
        )
        parser.add_argument("--dry-run", action="store_true", help="count and check, add nobody")

    def handle(self, *, newsletter: str, file: Path, consent: str, dry_run: bool, **options: Any) -> None:
        found = Newsletter.objects.filter(slug=newsletter).first()
        if found is None:
            known = ", ".join(Newsletter.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no newsletter {newsletter!r}. Newsletters: {known}.")
        rejected = file.with_suffix(".rejected.csv")
        try:
            origin = importing.Source(file=file.name, consent=consent.strip())
            report = self._import(found, file, rejected, origin=origin, dry_run=dry_run)
        except OSError as error:
            raise CommandError(f"{error.filename or file}: {error.strerror}.") from error
        except importing.UnreadableFile as error:
            raise CommandError(f"{file.name}: {error} Nothing was imported.") from error
        if not dry_run:
            counting.recount(found, now=timezone.now())
        self._print(report, rejected, dry_run=dry_run)

    def _import(
        self, newsletter: Newsletter, file: Path, rejected: Path, *, origin: importing.Source, dry_run: bool
    ) -> importing.Report:
        with file.open("rb") as source, _RejectionFile(rejected) as rejections:
            size = os.fstat(source.fileno()).st_size
            with click.progressbar(length=size, label="Importing", file=sys.stderr) as bar:
                return importing.import_csv(
                    newsletter,
                    source,
                    origin=origin,
                    dry_run=dry_run,
                    on_rejection=rejections.write,
                    on_progress=lambda read: bar.update(read - bar.pos),
                )

    def _print(self, report: importing.Report, rejected: Path, *, dry_run: bool) -> None:
        self.stdout.write(f"{report.rows:,} rows" + (" (dry run: nobody was added)" if dry_run else ""))
        for name, label in LABELS.items():
            if count := getattr(report, name):
                self.stdout.write(f"{count:>12,} {label}")
        if report.fields:
            self.stdout.write(f"Also kept of each new reader: {', '.join(report.fields)}")
        if report.left_out:
            self.stdout.write(
                f"Left out, since the newsletter has no field of that name: {', '.join(report.left_out)}"
            )
        for rejection in report.first_rejections:
            self.stdout.write(f"  line {rejection.line}: {rejection.reason}: {rejection.text[:60]!r}")
        if report.rejected:
            self.stdout.write(f"Every rejected line with its reason: {rejected}")


class _RejectionFile:
    """Written beside the imported file, by a dry run too, and only when there is something to write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: Any = None

    def __enter__(self) -> _RejectionFile:
        self.path.unlink(missing_ok=True)  # of an earlier run: what it says was mended since
        return self

    def __exit__(self, *error: object) -> None:
        if self.file:
            self.file.close()

    def write(self, rejection: importing.Rejection) -> None:
        if self.file is None:
            self.file = self.path.open("w", encoding="utf-8", newline="")
            self.writer = csv.writer(self.file)
            self.writer.writerow(["line", "reason", "text"])
        # A cell that begins like a formula would run in a spreadsheet (CWE-1236).
        text = f"'{rejection.text}" if rejection.text[:1] in "=+-@\t\r" else rejection.text
        self.writer.writerow([rejection.line, rejection.reason, text])
