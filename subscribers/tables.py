"""A CSV file as rows of readers: streamed, so its size does not matter; every refusal has a reason."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from newsletter.validators import one_line
from subscribers.addresses import InvalidAddress, canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

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


@dataclass(frozen=True, slots=True)
class Columns:
    delimiter: str
    email: int
    first_name: int | None
    fields: dict[str, int]  # by name
    left_out: tuple[str, ...]


def rows(
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


def lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
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


def columns(header: tuple[int, bytes | None], *, names: set[str]) -> Columns:
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
