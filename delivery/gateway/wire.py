"""One open connection to an SMTP server: words out, replies in, and nothing between them and the socket.

smtplib makes the connection (greeting, TLS, login) and then stands aside: it reads a reply line by line, each through
three layers, while one packet usually brings all that we are waiting for.
"""

from __future__ import annotations

import select
import smtplib
import time
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl
    from socket import socket

BROKEN = (OSError, smtplib.SMTPException)
PACKET = 65_536
GOODBYE = 421  # "I am closing this connection" (RFC 5321 3.8)
LONGEST_REPLY = 65_536  # bytes; RFC 5321 4.5.3.1.5 allows a line 512
QUIET = 1.0  # seconds after which a server may have left without a word (some do after ten)
PATIENCE = 5.0  # seconds for the answer to "are you still there"


class Reply(NamedTuple):
    code: int
    words: bytes

    def __str__(self) -> str:
        return f"{self.code} {self.words.decode(errors='replace')}"[:500]


class Line:
    """Used by one thread at a time."""

    def __init__(self, connection: smtplib.SMTP) -> None:
        """Raises when the server will not greet. What it offers is what it said last: after STARTTLS, if that was."""
        connection.ehlo_or_helo_if_needed()
        if connection.sock is None:
            raise smtplib.SMTPServerDisconnected("The server hung up.")
        self._connection = connection
        self._socket: socket | ssl.SSLSocket = connection.sock
        # Else the last packet of each mail would wait for the one before it to be confirmed: a round trip more.
        self._socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self.say = self._socket.sendall
        self._heard = b""
        self._usual: tuple[bytes, list[Reply]] = (b"", [])
        self.is_pipelined = connection.has_extn("pipelining")
        self.names_size = connection.has_extn("size")
        self._packets = 0
        self.carried = 0  # mails that the server took over this connection
        self.until = float("inf")  # no further packet is waited for after this moment
        self.used_at = time.monotonic()

    def reply(self) -> Reply:
        """The next reply, however it is cut into packets and lines."""
        words = b""
        while True:
            line = self._line()
            code, mark = line[:3], line[3:4]
            if not code.isdigit() or mark not in b" -":
                raise smtplib.SMTPException(f"The server's answer cannot be read: {line[:100]!r}")
            words += b" " + line[4:] if words else line[4:]
            if mark != b"-":
                return Reply(int(code), words)
            if len(words) > LONGEST_REPLY:
                raise smtplib.SMTPException("The server's answer does not end.")

    def replies(self, count: int) -> list[Reply]:
        """So many replies, or fewer when the server takes its leave.

        Servers answer an envelope with the same words each time: those to the one before need not be read again.
        """
        heard = self._heard
        if heard and heard == self._usual[0] and count == len(self._usual[1]):
            self._heard = b""
            return self._usual[1]
        packets, found = self._packets, [self.reply()]
        while len(found) < count and found[-1].code != GOODBYE:
            found.append(self.reply())
        if (
            packets == self._packets and not self._heard
        ):  # all of it, and nothing else, was in what we had heard
            self._usual = heard, found
        return found

    @property
    def has_more(self) -> bool:
        """Whether the server has said more than it was asked."""
        return bool(self._heard)

    def is_fit(self) -> bool:
        """Whether a mail may be begun. Asks the server only when the connection has been quiet, or has news."""
        if time.monotonic() - self.used_at < QUIET and not self._has_news():
            return not self.has_more
        patience = self._socket.gettimeout()
        try:
            self._socket.settimeout(PATIENCE)
            self.say(b"NOOP\r\n")
            return self.reply().code == 250 and not self.has_more
        except BROKEN:
            return False
        finally:
            self._socket.settimeout(patience)

    def quit(self) -> None:
        """Take leave of the server."""
        try:
            self.say(b"QUIT\r\n")
            self.reply()
        except BROKEN:
            pass
        self.hang_up()

    def hang_up(self) -> None:
        """End it without a word: what was not said to its end does not count."""
        self._connection.close()

    def _line(self) -> bytes:
        while (end := self._heard.find(b"\n")) < 0:
            if len(self._heard) > LONGEST_REPLY:
                raise smtplib.SMTPException("The server's answer does not end.")
            if time.monotonic() > self.until:
                raise TimeoutError("The server takes too long over its answers.")
            packet = self._socket.recv(PACKET)
            if not packet:
                raise smtplib.SMTPServerDisconnected("The server hung up.")
            self._heard += packet
            self._packets += 1
        line, self._heard = self._heard[:end].rstrip(), self._heard[end + 1 :]
        return line

    def _has_news(self) -> bool:
        readable = select.poll()
        readable.register(self._socket, select.POLLIN)
        return bool(readable.poll(0))
