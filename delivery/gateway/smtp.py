"""SMTP, one reader per transaction, over a connection that stays open from batch to batch.

What is known depends on the step at which something broke: before the end of DATA nothing was taken; after the final
dot and without an answer nobody can say (RFC 1047).
"""

from __future__ import annotations

import smtplib
import threading
import time
from typing import TYPE_CHECKING, Any

from django.core.mail import mailers

from delivery.exceptions import AccountRefused, SendError, Transient, Uncertain
from delivery.gateway import mime
from delivery.gateway.answers import before_speaking
from delivery.messages import LONGEST_BATCH, Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.messages import IssueMail, Recipient

THROTTLED = 5.0  # seconds that everybody waits; SMTP has no way to name a time
_kept = threading.local()  # one open connection per mailer and thread


def hand_over(mail: IssueMail, recipients: Sequence[Recipient], *, alias: str) -> Receipt:
    receipt, deadline = Receipt(), time.monotonic() + LONGEST_BATCH
    prepared = mime.prepare(mail)
    sender = _addr_spec(mail.sender)
    try:
        connection = _connection(alias)
    except Exception as error:  # nothing has been spoken yet, whatever it was
        receipt.stopped_by = before_speaking(error)
        return receipt
    for recipient in recipients:
        if time.monotonic() > deadline:
            break
        receipt.stopped_by = _transaction(
            connection, sender, recipient, prepared.mail_for(recipient), receipt
        )
        if receipt.stopped_by:
            close(alias)
            break
    return receipt


def close(alias: str) -> None:
    """Drop this thread's connection; the next batch opens a fresh one."""
    if backend := vars(_kept).pop(alias, None):
        try:
            backend.close()
        except OSError:  # it was broken, which is why it is closed
            backend.connection = None


def _connection(alias: str) -> smtplib.SMTP:
    backend: Any = vars(_kept).get(alias)
    if backend is not None:
        try:
            if backend.connection.noop()[0] == 250:
                return backend.connection  # type: ignore[no-any-return]
        except (OSError, smtplib.SMTPException):
            pass
        close(alias)
    backend = mailers[alias]
    backend.open()
    backend.connection.ehlo_or_helo_if_needed()  # which says what the server can do; a login would have said it already
    vars(_kept)[alias] = backend
    return backend.connection  # type: ignore[no-any-return]


def _transaction(
    connection: smtplib.SMTP, sender: str, recipient: Recipient, mail: bytes, receipt: Receipt
) -> SendError | None:
    """One mail. Returns what stops the batch, None when the next reader may be tried."""
    try:
        code, words = connection.mail(sender, [f"size={len(mail)}"] if connection.has_extn("size") else [])
        if code != 250:
            return _sender_refused(code, words)
        code, words = connection.rcpt(recipient.address)
        if code in {250, 251}:
            code, words = connection.docmd("DATA")
    except (OSError, smtplib.SMTPException) as error:
        return Transient(_words(error))  # the mail itself has not been spoken yet
    if code != 354:
        return _reader_refused(connection, code, words, recipient, receipt)
    try:
        connection.send(_dot_stuffed(mail))
        code, words = connection.getreply()
    except (OSError, smtplib.SMTPException) as error:
        receipt.uncertain[recipient.delivery_id] = _words(error)
        return Uncertain(_words(error))
    if code != 250:
        return _reader_refused(connection, code, words, recipient, receipt)
    receipt.accepted[recipient.delivery_id] = ""
    return None


def _sender_refused(code: int, words: bytes) -> SendError:
    text = f"{code} {words.decode(errors='replace')}"
    return Transient(text, retry_after=_pause(code)) if 400 <= code < 500 else AccountRefused(text)


def _reader_refused(
    connection: smtplib.SMTP, code: int, words: bytes, recipient: Recipient, receipt: Receipt
) -> SendError | None:
    text = f"{code} {words.decode(errors='replace')}"
    if 400 <= code < 500:  # "not now": this reader and all after stay pending
        return Transient(text, retry_after=_pause(code))
    receipt.refused[recipient.delivery_id] = text
    try:
        connection.rset()
    except (OSError, smtplib.SMTPException) as error:
        return Transient(_words(error))
    return None


def _pause(code: int) -> float | None:
    """421 and 454 mean "too much for now" for everybody, other 4xx may mean one mailbox."""
    return THROTTLED if code in {421, 454} else None


def _dot_stuffed(mail: bytes) -> bytes:
    """RFC 5321 4.5.2: a line that begins with a dot gets another; a lone dot ends the mail."""
    return mail.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _addr_spec(sender: str) -> str:
    return sender.rpartition("<")[2].rstrip(">")


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
