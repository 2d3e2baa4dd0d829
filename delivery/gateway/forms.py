"""A provider's batch call, as Anymail writes it, with the places open where each reader's own parts go.

Anymail knows how each provider wants a mail written; but it parses, copies and encodes everything anew for each reader
and each call. So it writes the call once for each issue, to a reader who does not exist and whose address, link and
values are marks. What it wrote is cut at the marks, and filled in for as many readers as go into a call.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import warnings
from dataclasses import dataclass, field
from itertools import accumulate, chain, islice, repeat
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any

from anymail.exceptions import AnymailNotSupportedWarning
from anymail.message import AnymailMessage
from django.core.mail import mailers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from delivery.messages import IssueMail, Recipient

# Chance, so that nobody can write a mark into an issue; no mark is ever sent.
_MARK = f"courant{secrets.token_hex(8)}"
ADDRESS = f"{_MARK}@courant.invalid"
MARKS = re.compile(rf"{_MARK}(?:@courant\.invalid|\.(\+?[a-z][a-z0-9_]*)\.)")
TO, DELIVERY = "+to", "+delivery"  # values that are no slot of the issue
READERS = f"{_MARK}+readers+"  # where the list of readers goes
KEY = f"{_MARK}+key+"  # where the idempotency key goes, when that is in the body
CHUNK = 128 * 1024  # bytes that go to the socket at once

Columns = dict[str, list[bytes]]  # by name, a value for each reader


def mark(name: str) -> str:
    return f"{_MARK}.{name}."


@dataclass(frozen=True, slots=True)
class Rows:
    """A place that is written once for each reader."""

    pieces: tuple[bytes | str, ...]  # bytes are ready, a str names a value of the reader's
    between: bytes

    @classmethod
    def cut(cls, text: str, *, between: str) -> Rows:
        parts = MARKS.split(text)
        pieces: list[bytes | str] = [parts[0].encode()]
        for name, literal in zip(parts[1::2], parts[2::2], strict=True):
            pieces += [name or TO, literal.encode()]
        return cls(tuple(piece for piece in pieces if piece), between.encode())

    def filled(self, columns: Columns) -> Iterator[bytes]:
        """A row for each reader, all but the first with what stands between. Not a line of Python runs for a row."""
        pieces = (repeat(piece) if isinstance(piece, bytes) else columns[piece] for piece in self.pieces)
        between = chain([b""], repeat(self.between))
        return map(b"".join, zip(between, *pieces, strict=False))  # one piece at least is a reader's

    def sizes(self, columns: Columns) -> Iterator[int]:
        fixed = len(self.between) + sum(len(piece) for piece in self.pieces if isinstance(piece, bytes))
        own = [map(len, columns[piece]) for piece in self.pieces if isinstance(piece, str)]
        return map(sum, zip(repeat(fixed), *own, strict=False))


@dataclass(frozen=True, slots=True)
class Form:
    url: str
    headers: Mapping[str, str]
    auth: tuple[str, str] | None
    timeout: float
    parts: tuple[bytes | str | Rows, ...]  # a str is a place for the key
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.url.encode())
        for part in self.parts:
            for piece in (*part.pieces, part.between) if isinstance(part, Rows) else (part,):
                data = piece if isinstance(piece, bytes) else piece.encode()
                digest.update(b"%d:%b" % (len(data), data))
        object.__setattr__(self, "digest", digest.digest())

    def fitting(self, columns: Columns, *, most: int) -> int:
        """For how many readers, from the first on, a call has at most so many bytes; for one it is always made."""
        sizes = [part.sizes(columns) for part in self.parts if isinstance(part, Rows)]
        once = sum(len(part) for part in self.parts if isinstance(part, bytes))
        so_far = accumulate(map(sum, zip(*sizes, strict=True)), initial=once)
        next(so_far)
        return max(1, sum(1 for size in so_far if size <= most))


class Call:
    """A form filled in for some readers: the body of one request, written piece by piece while it is sent."""

    def __init__(self, form: Form, columns: Columns, *, key: str = "") -> None:
        self.form, self.key = form, key
        self._columns = columns
        self._size = sum(self._size_of(part) for part in form.parts)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        """Never much at once: a socket gives each piece the time that it gives a whole answer."""
        waiting: list[bytes] = []
        for part in self.form.parts:
            if isinstance(part, Rows):
                rows = part.filled(self._columns)
                at_once = max(1, CHUNK // next(part.sizes(self._columns)))
                while some := list(islice(rows, at_once)):
                    yield b"".join([*waiting, *some])
                    waiting = []
            else:
                waiting.append(part if isinstance(part, bytes) else self.key.encode())
        yield b"".join(waiting)

    @property
    def fingerprint(self) -> str:
        digest = hashlib.sha256(self.form.digest + self.key.encode())
        for name, column in self._columns.items():
            values = b"\0".join(column)  # JSON has no such byte
            digest.update(b"%b=%d,%d:" % (name.encode(), len(column), len(values)))
            digest.update(values)
        return digest.hexdigest()

    def _size_of(self, part: bytes | str | Rows) -> int:
        if isinstance(part, Rows):
            return sum(part.sizes(self._columns)) - len(part.between)
        return len(part if isinstance(part, bytes) else self.key)


def columns_of(recipients: Sequence[Recipient]) -> Columns:
    """The readers' own words, as JSON writes them; readers.py has seen to it that an address is so everywhere."""
    columns = {
        TO: [recipient.address.encode() for recipient in recipients],
        DELIVERY: [b"%d" % recipient.delivery_id for recipient in recipients],
    }
    for name in sorted(recipients[0].values):
        columns[name] = [
            encode_basestring_ascii(recipient.values[name])[1:-1].encode() for recipient in recipients
        ]
    return columns


def written(message: AnymailMessage, *, alias: str) -> tuple[Any, dict[str, Any]]:
    """Anymail's backend for a mailer, and what it would ask requests to send for `message`."""
    with warnings.catch_warnings():  # said of SendGrid, which its maker cannot test any more; we do
        warnings.simplefilter("ignore", AnymailNotSupportedWarning)
        backend: Any = mailers[alias]
    payload = backend.build_message_payload(message, backend.send_defaults)
    return backend, payload.get_request_params(backend.api_url)


def draft(mail: IssueMail, **parts: Any) -> AnymailMessage:
    """The mail to the reader who does not exist."""
    message = AnymailMessage(
        subject=mail.subject,
        body=parts.pop("text"),
        from_email=mail.sender,
        to=parts.pop("to", [ADDRESS]),
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers=parts.pop("headers", None),
    )
    message.attach_alternative(parts.pop("html"), "text/html")
    for name, value in parts.items():
        setattr(message, name, value)
    return message


def form(
    backend: Any, params: dict[str, Any], parts: Sequence[bytes | str | Rows], *, content_type: str = ""
) -> Form:
    given = {"Content-Type": content_type} if content_type else {}
    return Form(
        url=params["url"],
        headers={**(params["headers"] or {}), **given},
        auth=params["auth"],
        timeout=backend.timeout,
        parts=tuple(parts),
    )


def json_form(backend: Any, params: dict[str, Any], shared: Any, item: Any) -> Form:
    """`shared` is the whole call, with READERS, in a list, where the readers go; `item` is what one of them is."""
    head, found, tail = _json(shared).partition(f'"{READERS}"')
    if not found or MARKS.search(head + tail):
        raise ValueError("A reader's own words stand where everybody reads them.")
    parts = [*_once(head), Rows.cut(_json(item), between=","), *_once(tail)]
    return form(backend, params, parts)


def _once(text: str) -> list[bytes | str | Rows]:
    """What stands in a call but once, with a place for the key if it has one."""
    before, key, after = text.partition(KEY)
    return [before.encode(), "key", after.encode()] if key else [before.encode()]


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
