"""CSV → readers. Streams the file, so its size does not matter; every row is counted, every refusal has a reason.

An import adds readers and never changes one: who unsubscribed, bounced or has yet to confirm stays just that.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from newsletter.validators import one_line
from subscribers.addresses import InvalidAddress, canonical
from subscribers.models import Subscriber, Subscription, Suppression, address_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.models import Newsletter

CHUNK = 2000  # rows in one short transaction
LONGEST_LINE = 10_000  # bytes
EMAIL_COLUMNS = ("email", "e-mail", "email address", "e-mail address", "email_address", "address")
NAME_COLUMNS = ("first_name", "first name", "firstname", "name")
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


class UnreadableFile(Exception):
    """The file as a whole cannot be imported; nothing was. The message says what to change."""


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    email: str
    first_name: str
    fields: dict[str, str] = field(
        default_factory=dict
    )  # the newsletter's own, by name; only those that are filled in


@dataclass(frozen=True, slots=True)
class Rejection:
    line: int
    reason: str
    text: str


@dataclass(slots=True)
class Report:
    """`rows == added + repeated + kept_active + kept_pending + kept_unsubscribed + suppressed + rejected`, always."""

    rows: int = 0
    added: int = 0
    repeated: int = 0
    kept_active: int = 0
    kept_pending: int = 0
    kept_unsubscribed: int = 0
    suppressed: int = 0
    rejected: int = 0
    first_rejections: list[Rejection] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)  # of the newsletter's own, which the file has
    left_out: list[str] = field(default_factory=list)  # columns that nothing here is called like


@dataclass(frozen=True, slots=True)
class Columns:
    delimiter: str
    email: int
    first_name: int | None
    fields: dict[str, int]  # by name
    left_out: tuple[str, ...]


def import_csv(
    newsletter: Newsletter,
    file: IO[bytes],
    *,
    dry_run: bool = False,
    on_rejection: Callable[[Rejection], None] = lambda rejection: None,
    on_progress: Callable[[int], None] = lambda bytes_read: None,
) -> Report:
    """Add every reader of `file` (binary) to the newsletter as active; the caller vouches for their consent.

    Safe to run again after an interruption: rows that are in already are counted as kept. With `dry_run`, adds nobody
    and counts the same. Raises UnreadableFile.
    """
    report = Report()
    chunk: list[Row] = []
    seen: set[int] = set()  # a digest of every address: some 80 bytes a row, 9 MB for 114,000

    def reject(rejection: Rejection) -> None:
        report.rejected += 1
        if len(report.first_rejections) < 10:
            report.first_rejections.append(rejection)
        on_rejection(rejection)

    lines = _lines(file)
    columns = _columns(next(lines, (1, b"")), names=_field_names(newsletter))
    report.fields, report.left_out = list(columns.fields), list(columns.left_out)
    for row in _rows(lines, columns, reject):
        report.rows += 1
        if row is None:
            continue
        digest = _digest(row.email)
        if digest in seen:  # the first of equal rows wins
            report.repeated += 1
            continue
        seen.add(digest)
        chunk.append(row)
        if len(chunk) == CHUNK:
            _write(newsletter, chunk, report, dry_run=dry_run)
            chunk.clear()
            on_progress(file.tell())
    _write(newsletter, chunk, report, dry_run=dry_run)
    on_progress(file.tell())
    return report


def _digest(email: str) -> int:
    """64 bits: among ten million addresses, two share one in a file out of 370,000."""
    return int.from_bytes(hashlib.blake2b(email.encode(), digest_size=8).digest())


def _field_names(newsletter: Newsletter) -> set[str]:
    return set(newsletter.reader_fields.values_list("name", flat=True))


def _rows(
    lines: Iterator[tuple[int, bytes | None]], columns: Columns, reject: Callable[[Rejection], None]
) -> Iterator[Row | None]:
    """Each row once, None for a rejected one."""
    for number, line in lines:
        if line is not None and not line.strip():
            continue
        try:
            yield _row(number, line, columns)
        except ValueError as error:
            reject(Rejection(number, str(error), (line or b"")[:200].decode("utf-8", "replace")))
            yield None


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines without their ends; None for one that is too long, of which only a piece at a time is held."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        is_whole = line.endswith(b"\n") or len(line) < LONGEST_LINE
        while not is_whole:
            piece = file.readline(LONGEST_LINE)
            is_whole = not piece or piece.endswith(b"\n")
            line = None
        yield number, line.rstrip(b"\r\n") if line is not None else None


def _columns(header: tuple[int, bytes | None], *, names: set[str]) -> Columns:
    line = header[1]
    if line is not None and line.startswith(BYTE_ORDER_MARKS):
        raise UnreadableFile("The file is UTF-16. Please save it as “CSV UTF-8” and import it again.")
    try:
        text = (line or b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile(
            "The first line is not UTF-8. Please save the file as “CSV UTF-8” and import it again."
        ) from None
    for delimiter in ",;\t":
        titles = [title.strip() for title in next(csv.reader([text], delimiter=delimiter), [])]
        if columns := _understood(titles, names=names, delimiter=delimiter):
            return columns
    raise UnreadableFile(
        f"The first line must name the columns, and one of them must be “email”. It says: {text[:100]!r}."
    )


def _understood(titles: list[str], *, names: set[str], delimiter: str) -> Columns | None:
    """What each column is; None when none of them is the address. The first of two that are the same counts."""
    email: int | None = None
    first_name: int | None = None
    fields: dict[str, int] = {}
    left_out: list[str] = []
    for position, title in enumerate(titles):
        plain = title.lower()
        name = "_".join(plain.replace("-", " ").split())
        if plain in EMAIL_COLUMNS and email is None:
            email = position
        elif name in names and name not in fields:
            fields[name] = position
        elif plain in NAME_COLUMNS and first_name is None:
            first_name = position
        else:
            left_out.append(title[:60])
    return None if email is None else Columns(delimiter, email, first_name, fields, tuple(left_out))


def _row(number: int, line: bytes | None, columns: Columns) -> Row:
    if line is None:
        raise ValueError(f"longer than {LONGEST_LINE:,} characters")
    if b"\0" in line:
        raise ValueError("holds a NUL character")
    try:
        cells = next(csv.reader([line.decode("utf-8")], delimiter=columns.delimiter, strict=True))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except csv.Error:
        raise ValueError("a quotation mark is opened and not closed") from None
    if len(cells) <= columns.email or not cells[columns.email].strip():
        raise ValueError("no address")
    try:
        email = canonical(cells[columns.email])
    except InvalidAddress as error:
        raise ValueError(f"not an address: {error}") from None
    first_name = _cell(cells, columns.first_name, called="first name")
    known = {name: _cell(cells, place, called=name) for name, place in columns.fields.items()}
    return Row(number, email, first_name, {name: value for name, value in known.items() if value})


def _cell(cells: list[str], place: int | None, *, called: str) -> str:
    if place is None or len(cells) <= place:
        return ""
    value = cells[place].strip()
    try:
        one_line(value)
    except ValidationError:
        raise ValueError(f"the {called} holds control characters") from None
    return value[:100]


def _write(newsletter: Newsletter, chunk: list[Row], report: Report, *, dry_run: bool) -> None:
    by_email = {row.email: row for row in chunk}
    keys = {address_key(email): email for email in by_email}
    with transaction.atomic():
        gone = set(Suppression.objects.filter(address_key__in=keys).values_list("address_key", flat=True))
        here = dict(
            Subscription.objects.filter(newsletter=newsletter, subscriber__email__in=by_email).values_list(
                "subscriber__email", "status"
            )
        )
        new = {key: by_email[email] for key, email in keys.items() if key not in gone and email not in here}
        _count(
            report,
            here,
            suppressed=sum(key in gone and keys[key] not in here for key in keys),
            added=len(new),
        )
        if not dry_run:
            _insert(newsletter, new)


def _count(report: Report, here: dict[str, str], *, suppressed: int, added: int) -> None:
    statuses = list(here.values())
    report.kept_pending += statuses.count(Subscription.Status.PENDING)
    report.kept_unsubscribed += statuses.count(Subscription.Status.UNSUBSCRIBED)
    report.kept_active += statuses.count(Subscription.Status.ACTIVE) + statuses.count(
        Subscription.Status.PAUSED
    )
    report.suppressed += suppressed
    report.added += added


def _insert(newsletter: Newsletter, new: dict[str, Row]) -> None:
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
