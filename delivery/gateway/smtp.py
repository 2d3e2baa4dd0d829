"""SMTP, one reader per transaction, over connections that stay open from batch to batch.

The words that are spoken are in conversation.py, the mails are made in mime.py.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import defaultdict, deque
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from django.core.mail import mailers

from delivery.gateway import mime
from delivery.gateway.conversation import Conversation, Letter
from delivery.gateway.wire import BROKEN, Line
from delivery.messages import HandOver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.gateway.mime import Prepared
    from delivery.messages import IssueMail, Page, Receipt, Recipient

# Open connections that nobody speaks over, by mailer. `ready` takes one and `speak` gives it back, in whatever thread:
# a deque's append and pop are atomic. The last one used comes first, so that what is not needed any more grows old.
_idle: defaultdict[str, deque[Line]] = defaultdict(deque)
os.register_at_fork(after_in_child=_idle.clear)  # two processes over one connection would mix up their mails


def ready(mail: IssueMail, recipients: Sequence[Recipient], *, alias: str) -> HandOver:
    """The recipients are sound (readers.py): what they hold stands in an envelope and a header as it is."""
    prepared = mime.prepared(mail)
    talk = Talk(prepared.sender, _letters(prepared, recipients), alias=alias)
    return HandOver(talk.speak, _fingerprint(prepared, recipients), is_one_by_one=True)


class Talk:
    """One hand-over and the connection that was made ready for it."""

    def __init__(self, sender: str, letters: Sequence[Letter], *, alias: str) -> None:
        self._sender, self._letters, self._alias = sender, letters, alias
        self._line: Line | None = _connected(alias)

    def speak(self, page: Page | None = None) -> Receipt:
        """A conversation that did not end well leaves answers on the wire that the next one would take for its own."""
        line, self._line = self._line, None
        if line is None:
            raise RuntimeError("A hand-over is spoken once.")
        conversation = Conversation(line, sender=self._sender, letters=self._letters, page=page)
        has_ended_well = False
        try:
            conversation.hold()
            has_ended_well = conversation.has_ended_well
        except Exception as error:  # a time limit, say, in the middle of a sentence
            conversation.break_off(error)
        finally:
            if has_ended_well:
                _give_back(line, alias=self._alias)
            else:
                line.hang_up()
        return conversation.receipt

    def __del__(self) -> None:
        """Not spoken: somebody left at the last moment, say, and the batch was made anew."""
        if line := vars(self).get("_line"):
            _give_back(line, alias=self._alias)


def close(alias: str) -> None:
    """Take leave of the server, wherever nobody speaks."""
    for line in _idle.pop(alias, ()):
        line.quit()


def _letters(prepared: Prepared, recipients: Sequence[Recipient]) -> list[Letter]:
    date = formatdate()
    return [
        Letter(
            recipient.delivery_id,
            b"RCPT TO:<%s>\r\n" % recipient.address.encode("ascii"),
            prepared.mail_for(recipient, date=date),
        )
        for recipient in recipients
    ]


def _fingerprint(prepared: Prepared, recipients: Sequence[Recipient]) -> str:
    """Of all that is said but the date: the parts that all share were hashed when they were prepared."""
    said = hashlib.sha256(prepared.digest.encode())
    for recipient in recipients:
        said.update(
            repr((recipient.delivery_id, recipient.address, sorted(recipient.values.items()))).encode()
        )
    return said.hexdigest()


def _connected(alias: str) -> Line:
    """A connection that is fit to speak over: one that stood open, or a fresh one. Raises when none can be had."""
    idle = _idle[alias]
    while idle:
        try:
            line = idle.pop()
        except IndexError:  # another thread took the last one
            break
        if line.is_fit():
            return line
        line.hang_up()
    return _fresh(mailers[alias])


def _fresh(backend: Any) -> Line:
    try:
        backend.open()  # with TLS and login, as the mailer's URL says
        return Line(backend.connection)
    except BaseException:
        with suppress(*BROKEN):
            backend.close()
        raise


def _give_back(line: Line, *, alias: str) -> None:
    line.used_at = time.monotonic()
    _idle[alias].append(line)
