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
from delivery.gateway.answers import InARow
from delivery.messages import LONGEST_BATCH, Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from delivery.messages import Recipient

Letter = tuple["Recipient", bytes]
Reply = tuple[int, bytes]
BROKEN = (OSError, smtplib.SMTPException)
# "Too busy", "no room", "too many connections" (RFC 5321 4.2.2; 454 as in RFC 4954): everybody waits.
NOT_NOW_FOR_ANYBODY = frozenset({421, 452, 454})
THROTTLED = 5.0  # seconds that everybody waits after "too many"; SMTP has no way to name a time


class Conversation:
    """One batch over one open connection. What is known of each reader stands in `receipt`, however it ends."""

    def __init__(self, connection: smtplib.SMTP, *, sender: str) -> None:
        self.connection = connection
        self.receipt = Receipt()
        self.sender = sender
        self.is_pipelined = connection.has_extn("pipelining")
        self.names_size = connection.has_extn("size")
        self.deadline = time.monotonic() + LONGEST_BATCH
        self.in_a_row = InARow()
        self.being_told: Recipient | None = None  # whose mail is on the wire, without an answer yet

    def hold(self, letters: Iterator[Letter]) -> None:
        """Hand the letters over one by one, until all have their answer, something stops it, or time is up."""
        letter = next(letters, None)
        try:
            if letter and self.is_pipelined:
                self.connection.send(b"".join(self._envelope(letter)))
            while letter and not self.receipt.stopped_by:
                following = next(letters, None) if time.monotonic() < self.deadline else None
                self._one(letter, following)
                self.receipt.stopped_by = self.receipt.stopped_by or self.in_a_row.count(self.receipt)
                letter = following
        except BROKEN as error:
            self.break_off(error)

    def break_off(self, error: Exception) -> None:
        """The connection is gone, or we are. Only the mail that was on the wire is in doubt."""
        if self.being_told:
            self.receipt.uncertain[self.being_told.delivery_id] = _words(error)
            self.receipt.stopped_by = Uncertain(_words(error))
        else:
            self.receipt.stopped_by = Transient(_words(error))

    def _one(self, letter: Letter, following: Letter | None) -> None:
        recipient, mail = letter
        replies = self._replies_to_envelope(letter)
        (mail_code, _), (rcpt_code, _), (data_code, _) = replies
        if mail_code != 250:
            self.receipt.stopped_by = _sender_refused(replies[0])
        elif rcpt_code not in {250, 251} or data_code != 354:
            self._settle(recipient, replies[1] if rcpt_code not in {250, 251} else replies[2])
            self._start_over(following, replies)
        else:
            self.being_told = recipient
            self.connection.send(_dot_stuffed(mail) + self._ahead(following))
            reply = self.connection.getreply()
            self.being_told = None
            self._settle(recipient, reply)

    def _settle(self, recipient: Recipient, reply: Reply) -> None:
        """What the server's word about one reader means for them, and for all who come after."""
        code = reply[0]
        if code == 250:
            self.receipt.accepted[recipient.delivery_id] = ""
        elif code in NOT_NOW_FOR_ANYBODY:
            self.receipt.stopped_by = Transient(_said(reply), retry_after=THROTTLED)
        elif (
            400 <= code < 500
        ):  # greylisting, a full mailbox, a domain that does not answer: this reader later
            self.receipt.deferred[recipient.delivery_id] = _said(reply)
        elif 500 <= code < 600:
            self.receipt.refused[recipient.delivery_id] = _said(reply)
        else:
            self.receipt.uncertain[recipient.delivery_id] = _said(reply)
            self.receipt.stopped_by = Uncertain(_said(reply))

    def _start_over(self, following: Letter | None, replies: list[Reply]) -> None:
        """Leave a transaction whose reader was not taken. Some servers say 354 all the same and wait for the dot."""
        if self.receipt.stopped_by:
            return
        leave = b".\r\n" if replies[2][0] == 354 else b"RSET\r\n"
        self.connection.send(leave + self._ahead(following))
        self.connection.getreply()

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
    if 400 <= reply[0] < 500:
        return Transient(_said(reply), retry_after=THROTTLED)
    return AccountRefused(_said(reply))


def _dot_stuffed(mail: bytes) -> bytes:
    """RFC 5321 4.5.2: a line that begins with a dot gets another; a lone dot ends the mail."""
    return mail.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _said(reply: Reply) -> str:
    return f"{reply[0]} {reply[1].decode(errors='replace')}"[:500]


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
