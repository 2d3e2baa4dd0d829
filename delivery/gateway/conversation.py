"""What is said to an SMTP server for one batch, and what is known when it breaks off.

Until the end of DATA nothing was taken; after the final dot and without an answer nobody can say (RFC 1047). With
PIPELINING (RFC 2920) the next reader's envelope travels behind a mail's final dot, so that a mail costs one round trip;
it is an envelope only: whoever it names has not been handed over.
"""

from __future__ import annotations

import smtplib
import time
from typing import TYPE_CHECKING

from delivery.exceptions import AccountRefused, SendError, Transient, Uncertain
from delivery.messages import LONGEST_BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from delivery.messages import Receipt, Recipient

Letter = tuple["Recipient", bytes]
Reply = tuple[int, bytes]
BROKEN = (OSError, smtplib.SMTPException)
THROTTLED = 5.0  # seconds that everybody waits after "too many"; SMTP has no way to name a time


class Conversation:
    """One batch over one open connection."""

    def __init__(self, connection: smtplib.SMTP, *, sender: str, receipt: Receipt) -> None:
        self.connection = connection
        self.receipt = receipt
        self.sender = sender
        self.is_pipelined = connection.has_extn("pipelining")
        self.names_size = connection.has_extn("size")
        self.deadline = time.monotonic() + LONGEST_BATCH

    def hold(self, letters: Iterator[Letter]) -> SendError | None:
        """Hand the letters over one by one. Returns what stopped it; None when all had their answer or time is up."""
        letter = next(letters, None)
        try:
            if letter and self.is_pipelined:
                self.connection.send(b"".join(self._envelope(letter)))
        except BROKEN as error:
            return Transient(_words(error))
        while letter:
            following = next(letters, None) if time.monotonic() < self.deadline else None
            if problem := self._one(letter, following):
                return problem
            letter = following
        return None

    def _one(self, letter: Letter, following: Letter | None) -> SendError | None:
        recipient, mail = letter
        try:
            replies = self._replies_to_envelope(letter)
        except BROKEN as error:
            return Transient(_words(error))  # the mail itself has not been spoken
        (mail_code, _), (rcpt_code, _), (data_code, _) = replies
        if mail_code != 250:
            return _sender_refused(replies[0])
        if rcpt_code not in {250, 251} or data_code != 354:
            refusal = replies[1] if rcpt_code not in {250, 251} else replies[2]
            return self._reader_refused(recipient, refusal) or self._start_over(following, replies)
        try:
            self.connection.send(_dot_stuffed(mail) + self._ahead(following))
            reply = self.connection.getreply()
        except BROKEN as error:
            self.receipt.uncertain[recipient.delivery_id] = _words(error)
            return Uncertain(_words(error))
        return self._settle(recipient, reply)

    def _settle(self, recipient: Recipient, reply: Reply) -> SendError | None:
        if reply[0] == 250:
            self.receipt.accepted[recipient.delivery_id] = ""
            return None
        if 400 <= reply[0] < 600:
            return self._reader_refused(recipient, reply)
        self.receipt.uncertain[recipient.delivery_id] = _said(reply)
        return Uncertain(_said(reply))

    def _reader_refused(self, recipient: Recipient, reply: Reply) -> SendError | None:
        if 400 <= reply[0] < 500:  # "not now": this reader and all after stay pending
            return _not_now(reply)
        self.receipt.refused[recipient.delivery_id] = _said(reply)
        return None

    def _start_over(self, following: Letter | None, replies: list[Reply]) -> SendError | None:
        """Leave a transaction whose reader was refused. Some servers say 354 all the same and wait for the dot."""
        leave = b".\r\n" if replies[2][0] == 354 else b"RSET\r\n"
        try:
            self.connection.send(leave + self._ahead(following))
            self.connection.getreply()
        except BROKEN as error:
            return Transient(_words(error))
        return None

    def _ahead(self, following: Letter | None) -> bytes:
        return b"".join(self._envelope(following)) if following and self.is_pipelined else b""

    def _envelope(self, letter: Letter) -> tuple[bytes, bytes, bytes]:
        recipient, mail = letter
        size = f" SIZE={len(mail)}" if self.names_size else ""
        return (
            f"MAIL FROM:<{self.sender}>{size}\r\n".encode("ascii"),
            f"RCPT TO:<{recipient.address}>\r\n".encode("ascii"),
            b"DATA\r\n",
        )

    def _replies_to_envelope(self, letter: Letter) -> list[Reply]:
        if self.is_pipelined:  # it was sent ahead
            return [self.connection.getreply() for _ in range(3)]
        replies: list[Reply] = []
        for command in self._envelope(letter):
            self.connection.send(command)
            replies.append(self.connection.getreply())
            if replies[-1][0] >= 400:
                break
        return replies + [(503, b"not asked")] * (3 - len(replies))


def _sender_refused(reply: Reply) -> SendError:
    return _not_now(reply) if 400 <= reply[0] < 500 else AccountRefused(_said(reply))


def _not_now(reply: Reply) -> Transient:
    """421 and 454 mean "too much for now" for everybody, other 4xx may mean one mailbox."""
    return Transient(_said(reply), retry_after=THROTTLED if reply[0] in {421, 454} else None)


def _dot_stuffed(mail: bytes) -> bytes:
    """RFC 5321 4.5.2: a line that begins with a dot gets another; a lone dot ends the mail."""
    return mail.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _said(reply: Reply) -> str:
    return f"{reply[0]} {reply[1].decode(errors='replace')}"[:500]


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
