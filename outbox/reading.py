"""A mail's bytes as a person reads them. Whatever is in the bytes, these functions do not raise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from email.message import Message

BLANK_LINE = re.compile(rb"\r?\n\r?\n")
FOLD = re.compile(r"\r?\n[ \t]+")
BRACKETED = re.compile(r"<\s*([^<>]+?)\s*>")


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """What the mail offers a mailbox: links to leave, and whether one of them works by one click (RFC 8058)."""

    links: tuple[str, ...]
    one_click: str

    @property
    def origin(self) -> str:
        parts = urlsplit(self.one_click)
        return f"{parts.scheme}://{parts.netloc}" if self.one_click else ""


@dataclass(frozen=True, slots=True)
class Letter:
    headers: tuple[tuple[str, str], ...]
    html: str
    text: str
    attachments: tuple[str, ...]
    unsubscribe: Unsubscribe


def summary(source: bytes) -> tuple[str, str]:
    """From and Subject, without parsing the body."""
    head = message_from_bytes(BLANK_LINE.split(source, 1)[0] + b"\n\n")
    return _value(head, "From"), _value(head, "Subject")


def letter(source: bytes) -> Letter:
    message = message_from_bytes(source)
    html, text, attachments = "", "", []
    for part in message.walk():
        if part.is_multipart():
            continue
        if part.get_content_disposition() == "attachment" or part.get_content_maintype() != "text":
            attachments.append(_decoded(part.get_filename() or "") or part.get_content_type())
        elif part.get_content_subtype() == "html":
            html = html or _content(part)
        else:
            text = text or _content(part)
    headers = tuple((name, _decoded(value)) for name, value in message.raw_items())
    return Letter(headers, html, text, tuple(attachments), _unsubscribe(message))


def as_text(source: bytes) -> str:
    return source.decode("utf-8", "replace")


def _unsubscribe(message: Message) -> Unsubscribe:
    # Not decoded: mailbox providers read no encoded words here (RFC 2369), so neither may we.
    links = tuple(BRACKETED.findall(FOLD.sub("", _raw(message, "List-Unsubscribe"))))
    web = next((link for link in links if link.lower().startswith(("https://", "http://"))), "")
    allowed = _value(message, "List-Unsubscribe-Post").replace(" ", "") == "List-Unsubscribe=One-Click"
    return Unsubscribe(links, web if allowed and _is_url(web) else "")


def _is_url(link: str) -> bool:
    try:
        host = urlsplit(link).netloc
    except ValueError:
        return False
    return re.fullmatch(r"[A-Za-z0-9.:\[\]_-]+", host) is not None


def _value(message: Message, name: str) -> str:
    return _decoded(_raw(message, name))


def _raw(message: Message, name: str) -> str:
    return next((_utf8(value) for field, value in message.raw_items() if field.lower() == name.lower()), "")


def _utf8(value: object) -> str:
    # What was no ASCII came as surrogates; a raw header is UTF-8 nowadays (RFC 6532).
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _decoded(value: object) -> str:
    folded = FOLD.sub(" ", _utf8(value)).strip()
    try:
        return str(make_header(decode_header(folded))).encode("utf-8", "replace").decode()
    except (HeaderParseError, LookupError, ValueError):
        return folded


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")
