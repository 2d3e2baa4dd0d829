"""What is said to an SMTP server for one batch, and what is known when it breaks off.

Until the end of DATA nothing was taken; after the final dot and without an answer nobody can say (RFC 1047). With
PIPELINING (RFC 2920) the next reader's envelope travels behind a mail's final dot, so that a mail costs one round trip;
it is an envelope only: whoever it names has not been handed over.
"""

from __future__ import annotations

import smtplib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery.exceptions import AccountRefused, SendError, Transient, Uncertain
from delivery.gateway.answers import InARow
from delivery.gateway.wire import BROKEN, GOODBYE, Reply
from delivery.messages import LONGEST_BATCH, Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.gateway.wire import Line
    from delivery.messages import Page

# "Too busy", "no room", "too many connections" (RFC 5321 4.2.2; 454 as in RFC 4954): everybody waits.
NOT_NOW_FOR_ANYBODY = frozenset({421, 452, 454})
THROTTLED = 5.0  # seconds that everybody waits after "too many"; SMTP has no way to name a time
LONGEST_ANSWER = 30.0  # seconds that a server may take for its last answers when the batch's time is up
# Servers take a number of mails by one connection (Exim 1,000) and then say 421, or nothing. One that has carried as
# many as this is taken to be used up, not unwelcome: the next batch opens another, and nobody waits.
WORN_OUT = 50
TAKEN = frozenset({250, 251})
NOT_ASKED = Reply(503, b"not asked")
OUT_OF_STEP = "The server answers what nobody asked."


@dataclass(frozen=True, slots=True)
class Letter:
    delivery_id: int
    rcpt: bytes  # the command that names the reader
    pieces: list[bytes]  # the mail as it stands on the wire, with its final dot


class Conversation:
    """One batch over one open connection. What is known of each reader stands in `receipt`, however it ends."""

    def __init__(
        self, line: Line, *, sender: str, letters: Sequence[Letter], page: Page | None = None
    ) -> None:
        self.line = line
        self.page = page
        self.letters = letters
        self.receipt = Receipt()
        self.in_a_row = InARow()
        self.being_told: Letter | None = None  # whose mail is on the wire, without an answer yet
        self.is_over = False
        largest = max((sum(map(len, letter.pieces)) for letter in letters), default=0)
        size = f" SIZE={largest}" if line.names_size else ""  # RFC 1870: an estimate will do
        self.mail_from = f"MAIL FROM:<{sender}>{size}\r\n".encode("ascii")

    def hold(self) -> None:
        """Hand the letters over one by one, until all have their answer, something stops it, or time is up."""
        deadline = time.monotonic() + LONGEST_BATCH
        self.line.until = deadline + LONGEST_ANSWER
        letters = iter(self.letters)
        letter = next(letters, None)
        try:
            if letter and self.line.is_pipelined:
                self.line.say(self._ahead(letter))
            while letter and not self.is_over:
                following = next(letters, None) if time.monotonic() < deadline else None
                self._one(letter, following)
                if stopped_by := self.in_a_row.count(self.receipt):
                    self._stop(stopped_by)
                letter = following
        except BROKEN as error:
            self.break_off(error)

    def break_off(self, error: Exception) -> None:
        """The connection is gone, or we are. Only the mail that was on the wire is in doubt."""
        words = f"{type(error).__name__}: {error}"[:500]
        if self.being_told and not self._is_settled(self.being_told):
            self.receipt.uncertain[self.being_told.delivery_id] = words
            self._stop(Uncertain(words))
        elif isinstance(error, BROKEN) and self.line.carried >= WORN_OUT:
            self.is_over = True
        else:
            self._stop(Transient(words))

    @property
    def has_ended_well(self) -> bool:
        """Whether the connection may be used again: no answer is on its way that was meant for this batch."""
        return not self.is_over and self.receipt.stopped_by is None and not self.line.has_more

    def _is_settled(self, letter: Letter) -> bool:
        known = self.receipt
        return any(letter.delivery_id in words for words in (known.accepted, known.refused, known.deferred))

    def _stop(self, error: SendError) -> None:
        self.is_over = True
        self.receipt.stopped_by = self.receipt.stopped_by or error

    def _one(self, letter: Letter, following: Letter | None) -> None:
        mail, rcpt, data = self._replies_to_envelope(letter)
        if mail.code != 250:
            self._turned_away(mail)
        elif rcpt.code not in TAKEN or data.code != 354:
            self._not_begun(letter, data if rcpt.code in TAKEN else rcpt)
            if not self.is_over:
                self._start_over(following, data)
        elif self.line.has_more:
            raise smtplib.SMTPException(OUT_OF_STEP)
        else:
            if self.page:
                self.page.telling(letter.delivery_id, self.receipt)
            self.being_told = letter
            self.line.say(b"".join([*letter.pieces, self._ahead(following)]))
            self._settle(letter, self.line.reply())
            self.being_told = None  # not before it is settled: an interruption must not find it nowhere

    def _settle(self, letter: Letter, reply: Reply) -> None:
        """What the server's word about one reader means for them, and for all who come after."""
        code = reply.code
        if code == 250:
            self.receipt.accepted[letter.delivery_id] = ""
            self.line.carried += 1
        elif code in NOT_NOW_FOR_ANYBODY:
            self._stop(Transient(str(reply), retry_after=THROTTLED))
        elif (
            400 <= code < 500
        ):  # greylisting, a full mailbox, a domain that does not answer: this reader later
            self.receipt.deferred[letter.delivery_id] = str(reply)
        elif 500 <= code < 600:
            self.receipt.refused[letter.delivery_id] = str(reply)
        else:
            self.receipt.uncertain[letter.delivery_id] = str(reply)
            self._stop(Uncertain(str(reply)))

    def _not_begun(self, letter: Letter, reply: Reply) -> None:
        if reply.code < 400:  # there was an answer too many before this one; it is not about this reader
            raise smtplib.SMTPException(f"{OUT_OF_STEP} {reply}")
        self._settle(letter, reply)

    def _turned_away(self, reply: Reply) -> None:
        """The sender was not taken, so nobody was handed over."""
        if reply.code == GOODBYE and self.line.carried >= WORN_OUT:
            self.is_over = True
        elif 400 <= reply.code < 500:
            self._stop(Transient(str(reply), retry_after=THROTTLED))
        elif 500 <= reply.code < 600:
            self._stop(AccountRefused(str(reply)))
        else:
            self._stop(Transient(f"{OUT_OF_STEP} {reply}"))

    def _start_over(self, following: Letter | None, data: Reply) -> None:
        """Leave a transaction whose reader was not taken. Some servers say 354 all the same and wait for the dot."""
        self.line.say((b".\r\n" if data.code == 354 else b"RSET\r\n") + self._ahead(following))
        self.line.reply()

    def _ahead(self, letter: Letter | None) -> bytes:
        return b"%s%sDATA\r\n" % (self.mail_from, letter.rcpt) if letter and self.line.is_pipelined else b""

    def _replies_to_envelope(self, letter: Letter) -> list[Reply]:
        if self.line.is_pipelined:  # it was sent ahead
            replies = self.line.replies(3)
            return replies + [NOT_ASKED] * (3 - len(replies))
        replies = []
        for command in (self.mail_from, letter.rcpt, b"DATA\r\n"):
            self.line.say(command)
            replies.append(self.line.reply())
            if replies[-1].code >= 400:
                break
        return replies + [NOT_ASKED] * (3 - len(replies))
