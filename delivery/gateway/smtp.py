"""SMTP, one reader per transaction, over a connection that stays open from batch to batch.

The words that are spoken are in conversation.py.
"""

from __future__ import annotations

import smtplib
import threading
from typing import TYPE_CHECKING, Any

from django.core.mail import mailers

from delivery.gateway import mime
from delivery.gateway.answers import before_speaking
from delivery.gateway.conversation import Conversation
from delivery.messages import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.messages import IssueMail, Recipient

_kept = threading.local()  # one open connection per mailer and thread


def hand_over(mail: IssueMail, recipients: Sequence[Recipient], *, alias: str) -> Receipt:
    receipt = Receipt()
    prepared = mime.prepare(mail)
    try:
        connection = _connection(alias)
    except Exception as error:  # nothing has been spoken yet, whatever it was
        receipt.stopped_by = before_speaking(error)
        return receipt
    talk = Conversation(connection, sender=_addr_spec(mail.sender), receipt=receipt)
    receipt.stopped_by = talk.hold((recipient, prepared.mail_for(recipient)) for recipient in recipients)
    if receipt.stopped_by:
        close(alias)
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


def _addr_spec(sender: str) -> str:
    return sender.rpartition("<")[2].rstrip(">")
