"""MIME bytes prepared once per issue, with each reader's parts spliced in.

Building a 38 KB mail through Python's email package costs about 3 ms; splicing a prepared one some microseconds. The
bodies are quoted-printable: every literal and every value is encoded on its own and ends in a soft line break, which
decodes to nothing (RFC 2045 6.7), so that they can be joined anywhere.
"""

from __future__ import annotations

import binascii
import secrets
from dataclasses import dataclass
from email.headerregistry import HeaderRegistry
from email.policy import SMTP
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.messages import IssueMail, Recipient
    from newsletter.rendering import Stencil

PART = b'Content-Type: %s; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'


@dataclass(frozen=True, slots=True)
class Prepared:
    """`mail_for` gives the whole message of one reader, as bytes with CRLF line ends, without dot-stuffing."""

    head: bytes
    text: tuple[bytes | str, ...]  # bytes are ready, a str names a slot
    middle: bytes
    html: tuple[bytes | str, ...]
    tail: bytes
    domain: str

    def mail_for(self, recipient: Recipient) -> bytes:
        own = (
            f"To: {recipient.address}\r\n"
            f"Message-ID: <courant.{recipient.delivery_id}@{self.domain}>\r\n"
            f"List-Unsubscribe: {recipient.list_unsubscribe}\r\n"
        )
        values = {name: quoted(value) for name, value in recipient.values.items()}
        return b"".join(
            (
                own.encode("ascii"),
                self.head,
                _filled(self.text, values),
                self.middle,
                _filled(self.html, values),
                self.tail,
            )
        )


def prepare(mail: IssueMail) -> Prepared:
    boundary = f"=_courant_{secrets.token_hex(12)}".encode()
    headers = {
        "From": mail.sender,
        **({"Reply-To": mail.reply_to} if mail.reply_to else {}),
        "Subject": mail.subject,
        "Date": formatdate(),
        **mail.headers,
        "MIME-Version": "1.0",
    }
    registry = HeaderRegistry()
    folded = b"".join(
        SMTP.fold(name, registry(name, value)).encode("ascii") for name, value in headers.items()
    )
    return Prepared(
        head=b'%sContent-Type: multipart/alternative;\r\n boundary="%s"\r\n\r\n--%s\r\n%s'
        % (folded, boundary, boundary, PART % b"text/plain"),
        text=_pieces(mail.text),
        middle=b"\r\n--%s\r\n%s" % (boundary, PART % b"text/html"),
        html=_pieces(mail.html),
        tail=b"\r\n--%s--\r\n" % boundary,
        domain=mail.message_domain,
    )


def quoted(text: str) -> bytes:
    """Quoted-printable that can be joined to more of it. Lines end in CRLF and are at most 76 bytes (RFC 2045 6.7)."""
    data = text.replace("\r\n", "\n").encode()
    # The encoder breaks lines where the last "=" still fits; of its "=3D" we keep the "=", which is our soft break.
    return (binascii.b2a_qp(data + b"=", istext=True)[:-2] + b"\n").replace(b"\n", b"\r\n") if data else b""


def _pieces(stencil: Stencil) -> tuple[bytes | str, ...]:
    pieces: list[bytes | str] = []
    for position, literal in enumerate(stencil.literals):
        pieces.append(quoted(literal))
        if position < len(stencil.slots):
            pieces.append(stencil.slots[position])
    return tuple(pieces)


def _filled(pieces: tuple[bytes | str, ...], values: Mapping[str, bytes]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else values[piece] for piece in pieces)
