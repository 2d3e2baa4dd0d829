"""CSV → readers. Streams the file, so its size does not matter; every row is counted, every refusal has a reason.

An import adds readers and never changes one: who unsubscribed, bounced or has yet to confirm stays just that. Who left
and was forgotten since (KeptOut) is not added either.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import batched
from typing import IO, TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from subscribers import consent, tables
from subscribers.models import (
    ConsentEvent,
    KeptOut,
    Subscriber,
    Subscription,
    Suppression,
    address_key,
)
from subscribers.tables import Rejection, Row, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.db.models import QuerySet

    from newsletter.models import Newsletter

__all__ = ["NO_SOURCE", "Rejection", "Report", "Source", "UnreadableFile", "import_csv"]

CHUNK = 2000  # rows in one short transaction


@dataclass(frozen=True, slots=True)
class Source:
    """What the proof of each reader says of how they came: the file's name, and why they may be mailed."""

    file: str = ""
    consent: str = ""  # the words of whoever imports: where, when and to what these readers agreed
    by: str = ""  # the username, where somebody did it at the desk

    @property
    def details(self) -> dict[str, object]:
        found = {"file": self.file, "consent": self.consent, "by": self.by}
        return {name: value for name, value in found.items() if value}


NO_SOURCE = Source()


@dataclass(slots=True)
class Report:
    """`rows` is the sum of the other counts, always."""

    rows: int = 0
    added: int = 0
    repeated: int = 0
    kept_active: int = 0
    kept_pending: int = 0
    kept_unsubscribed: int = 0
    kept_out: int = 0
    suppressed: int = 0
    rejected: int = 0
    first_rejections: list[Rejection] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)  # of the newsletter's own, which the file has
    left_out: list[str] = field(default_factory=list)  # columns that nothing here is called like

    def reject(self, rejection: Rejection) -> None:
        self.rejected += 1
        if len(self.first_rejections) < 10:
            self.first_rejections.append(rejection)


def import_csv(
    newsletter: Newsletter,
    file: IO[bytes],
    *,
    origin: Source = NO_SOURCE,
    dry_run: bool = False,
    on_rejection: Callable[[Rejection], None] = lambda rejection: None,
    on_progress: Callable[[int], None] = lambda bytes_read: None,
) -> Report:
    """Add every reader of `file` (binary) to the newsletter as active; the caller vouches for their consent.

    Safe to run again after an interruption: rows that are in already are counted as kept. With `dry_run`, adds nobody
    and counts the same. Raises UnreadableFile.
    """
    report = Report()

    def reject(rejection: Rejection) -> None:
        report.reject(rejection)
        on_rejection(rejection)

    lines = tables.lines(file)
    titles = tables.columns(next(lines, (1, b"")), names=_field_names(newsletter))
    report.fields, report.left_out = list(titles.fields), list(titles.left_out)
    for chunk in batched(_first_of_equals(tables.rows(lines, titles, reject), report), CHUNK):
        _write(newsletter, chunk, report, origin=None if dry_run else origin)
        on_progress(file.tell())
    on_progress(file.tell())
    return report


def _first_of_equals(rows: Iterable[Row | None], report: Report) -> Iterator[Row]:
    seen: set[int] = set()  # a digest of every address: some 80 bytes a row, 9 MB for 114,000
    for row in rows:
        report.rows += 1
        if row is None:
            continue
        digest = _digest(row.email)
        if digest in seen:
            report.repeated += 1
            continue
        seen.add(digest)
        yield row


def _digest(email: str) -> int:
    """64 bits: among ten million addresses, two share one in a file out of 370,000."""
    return int.from_bytes(hashlib.blake2b(email.encode(), digest_size=8).digest())


def _field_names(newsletter: Newsletter) -> set[str]:
    return set(newsletter.reader_fields.values_list("name", flat=True))


def _write(newsletter: Newsletter, chunk: Iterable[Row], report: Report, *, origin: Source | None) -> None:
    """Without an origin, only counts."""
    by_email = {row.email: row for row in chunk}
    keys = {address_key(email): email for email in by_email}
    with transaction.atomic():
        # Who is here is asked first: whoever is forgotten in this moment is found in one of the two.
        here = dict(
            Subscription.objects.filter(newsletter=newsletter, subscriber__email__in=by_email).values_list(
                "subscriber__email", "status"
            )
        )
        strangers = {key for key, email in keys.items() if email not in here}
        suppressed = _keys(Suppression.objects.filter(address_key__in=strangers))
        out = _keys(KeptOut.objects.filter(newsletter=newsletter, address_key__in=strangers)) - suppressed
        new = {key: by_email[keys[key]] for key in keys if key in strangers - suppressed - out}
        _count(report, here, suppressed=len(suppressed), kept_out=len(out), added=len(new))
        if origin is not None:
            _insert(newsletter, new, origin=origin)


def _keys(rows: QuerySet[Suppression] | QuerySet[KeptOut]) -> set[str]:
    return set(rows.values_list("address_key", flat=True))


def _count(report: Report, here: dict[str, str], *, suppressed: int, kept_out: int, added: int) -> None:
    statuses = list(here.values())
    report.kept_pending += statuses.count(Subscription.Status.PENDING)
    report.kept_unsubscribed += statuses.count(Subscription.Status.UNSUBSCRIBED)
    report.kept_active += sum(status in Subscription.READING for status in statuses)
    report.suppressed += suppressed
    report.kept_out += kept_out
    report.added += added


def _insert(newsletter: Newsletter, new: dict[str, Row], *, origin: Source) -> None:
    now = timezone.now()
    Subscriber.objects.bulk_create(
        [Subscriber(email=row.email, address_key=key, first_name=row.first_name) for key, row in new.items()],
        ignore_conflicts=True,
    )
    subscribers = Subscriber.objects.filter(address_key__in=new).values_list("pk", "address_key")
    Subscription.objects.bulk_create(
        [
            Subscription(
                subscriber_id=pk,
                newsletter=newsletter,
                status=Subscription.Status.ACTIVE,
                origin=Subscription.Origin.IMPORT,
                fields=new[key].fields,
                requested_at=now,
                confirmed_at=now,
            )
            for pk, key in subscribers
        ],
        ignore_conflicts=True,
    )
    # Who signed up in this moment is not of this file: its rows are known by their time.
    imported = Subscription.objects.filter(newsletter=newsletter, origin=Subscription.Origin.IMPORT)
    circumstances = consent.Circumstances(consent.Method.FILE, details=origin.details)
    ConsentEvent.objects.bulk_create(
        consent.event(consent.Kind.IMPORTED, each, circumstances, at=now)
        for each in imported.filter(subscriber__address_key__in=new, confirmed_at=now)
    )
