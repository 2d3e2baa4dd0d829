"""MIME bytes prepared once per issue, with each reader's parts spliced in.

Building a 38 KB mail through Python's email package costs about 3 ms; splicing a prepared one some microseconds.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from dataclasses import dataclass
from email.header import Header
from email.headerregistry import Address
from email.utils import parseaddr
from typing import TYPE_CHECKING

from django.utils.encoding import punycode

from delivery.gateway import bodies

if TYPE_CHECKING:
    from delivery.gateway.bodies import Body
    from delivery.messages import IssueMail, Recipient

PART = b'Content-Type: %s; charset="utf-8"\r\nContent-Transfer-Encoding: %s\r\n\r\n'
OWN = "To: {}\r\nMessage-ID: <courant.{}@{}>\r\nList-Unsubscribe: {}\r\nDate: {}\r\n"
# Stands in no body: quoted-printable and base64 both know no "=_".
BOUNDARY = b"=_courant"
# What stands in a header and between the angle brackets of an envelope as it is; SMTPUTF8 (RFC 6531) is not asked for.
SENDER = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
SHORT_LINE, LONGEST_LINE = 76, 998  # bytes, RFC 2047 2 and RFC 5322 2.1.1
LONGEST_LINK = LONGEST_LINE - len("List-Unsubscribe: ")
REMEMBERED = 4  # issues that go out at the same time


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything of an issue's mail that is the same for every reader, as it will stand on the wire."""

    sender: str  # the envelope's
    domain: str
    head: bytes
    text: Body
    middle: bytes
    html: Body
    tail: bytes
    digest: str  # of all of the above

    def mail_for(self, recipient: Recipient, *, date: str) -> list[bytes]:
        """One reader's whole mail in pieces to be joined, dot-stuffed, with its final dot."""
        link = recipient.list_unsubscribe
        if len(link) > LONGEST_LINK:
            raise ValueError("The unsubscribe link does not fit into a line of a mail.")
        own = OWN.format(recipient.address, recipient.delivery_id, self.domain, link, date)
        values = recipient.values
        pieces = [own.encode("ascii"), self.head]
        pieces += self.text.filled(values)
        pieces.append(self.middle)
        pieces += self.html.filled(values)
        pieces.append(self.tail)
        return pieces


_prepared: deque[tuple[IssueMail, Prepared]] = deque(maxlen=REMEMBERED)


def prepared(mail: IssueMail) -> Prepared:
    """Prepared once: the batches of an issue follow one another."""
    for known, found in tuple(_prepared):
        if known == mail:
            return found
    _prepared.append((mail, prepare(mail)))
    return _prepared[-1][1]


def prepare(mail: IssueMail) -> Prepared:
    sender = _mailbox(mail.sender)
    text, html = bodies.encoded(mail.text), bodies.encoded(mail.html)
    head = _headers(mail, sender) + b'Content-Type: multipart/alternative; boundary="%s"\r\n\r\n' % BOUNDARY
    head += b"--%s\r\n%s" % (BOUNDARY, PART % (b"text/plain", text.encoding))
    middle = b"\r\n--%s\r\n%s" % (BOUNDARY, PART % (b"text/html", html.encoding))
    digest = hashlib.sha256(mail.message_domain.encode())
    for piece in (head, *text.fixed, middle, *html.fixed, repr((mail.text.slots, mail.html.slots)).encode()):
        digest.update(b"%d:%s" % (len(piece), piece))
    return Prepared(
        sender=sender.addr_spec,
        domain=mail.message_domain,
        head=head,
        text=text,
        middle=middle,
        html=html,
        tail=b"\r\n--%s--\r\n.\r\n" % BOUNDARY,
        digest=digest.hexdigest(),
    )


def _mailbox(text: str) -> Address:
    """A sender's, its domain as A-labels. Raises ValueError when a server would not take it."""
    name, address = parseaddr(text)
    local, _, domain = address.rpartition("@")
    address = f"{local}@{punycode(domain)}"
    if not SENDER.fullmatch(address):
        raise ValueError(f"{text} is not an address that a mail server takes.")
    return Address(display_name=name, addr_spec=address)


def _headers(mail: IssueMail, sender: Address) -> bytes:
    named = {
        "Subject": mail.subject,
        **mail.headers,
        "MIME-Version": "1.0",
    }
    reply_to = _from_one("Reply-To", _mailbox(mail.reply_to)) if mail.reply_to else b""
    return (
        _from_one("From", sender)
        + reply_to
        + b"".join(_line(name, _folded(value, after=name)) for name, value in named.items())
    )


def _from_one(name: str, mailbox: Address) -> bytes:
    """Python's own folding loses the quotation marks of a long name, and its commas then make several senders of it."""
    text = mailbox.display_name
    if _is_plain(text):
        return _line(name, str(mailbox))
    return _line(name, f"{_folded(text, after=name)}\r\n <{mailbox.addr_spec}>")


def _folded(text: str, *, after: str) -> str:
    """A long word without a blank stays as it is: as encoded words nobody would know a List-Id again."""
    if _is_plain(text) and (" " not in text or len(after) + len(text) + 2 <= SHORT_LINE):
        return text
    charset = "ascii" if _is_plain(text) else "utf-8"
    return Header(text, charset, maxlinelen=SHORT_LINE, header_name=after).encode(linesep="\r\n")


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text  # which would be read as an encoded word


def _line(name: str, value: str) -> bytes:
    line = f"{name}: {value}\r\n".encode("ascii")
    if max(map(len, line.split(b"\r\n"))) > LONGEST_LINE:
        raise ValueError(f"What stands in {name} does not fit into the lines of a mail.")
    return line
