"""SMTP, one reader per transaction, over a connection that stays open from batch to batch.

The words that are spoken are in conversation.py.
"""

from __future__ import annotations

import smtplib
import threading
from typing import TYPE_CHECKING, Any

from django.core.mail import mailers

from delivery.gateway import mime
from delivery.gateway.conversation import Conversation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from delivery.gateway.conversation import Letter
    from delivery.messages import IssueMail, Receipt, Recipient

_kept = threading.local()  # one open connection per mailer and thread


def ready(mail: IssueMail, recipients: Sequence[Recipient], *, alias: str) -> Callable[[], Receipt]:
    prepared = mime.prepare(mail)
    letters = [(recipient, prepared.mail_for(recipient)) for recipient in recipients]
    connection = _connection(alias)
    sender = _addr_spec(mail.sender)
    return lambda: _speak(Conversation(connection, sender=sender), letters, alias=alias)


def _speak(talk: Conversation, letters: Sequence[Letter], *, alias: str) -> Receipt:
    """A conversation that did not end well leaves answers on the wire that the next one would take for its own."""
    has_ended = False
    try:
        talk.hold(iter(letters))
        has_ended = talk.receipt.stopped_by is None
    except Exception as error:  # a time limit, say, in the middle of a sentence
        talk.break_off(error)
    finally:
        if not has_ended:
            drop(alias)
    return talk.receipt


def close(alias: str) -> None:
    """Take leave of the server."""
    if backend := vars(_kept).pop(alias, None):
        backend.close()


def drop(alias: str) -> None:
    """Hang up without a word; the next batch opens a fresh connection."""
    if backend := vars(_kept).pop(alias, None):
        backend.connection.close()
        backend.connection = None


def _connection(alias: str) -> smtplib.SMTP:
    backend: Any = vars(_kept).get(alias)
    if backend is not None:
        try:
            if backend.connection.noop()[0] == 250:
                return backend.connection  # type: ignore[no-any-return]
        except (OSError, smtplib.SMTPException):
            pass
        drop(alias)
    backend = mailers[alias]
    backend.open()
    vars(_kept)[alias] = backend
    try:  # a greeting, which says what the server can do; a login would have said it already
        backend.connection.ehlo_or_helo_if_needed()
    except BaseException:
        drop(alias)
        raise
    return backend.connection  # type: ignore[no-any-return]


def _addr_spec(sender: str) -> str:
    return sender.rpartition("<")[2].rstrip(">")
