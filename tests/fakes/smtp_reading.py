"""What a client of the fake SMTP server said, in one buffer that is read into and looked at in place."""

from __future__ import annotations

import re
from typing import Any

ROOM = 256 * 1024  # bytes read at once
TAIL = 1024  # bytes at the end of what was read, within which a mail's end and the next envelope stand
END_OF_DATA = b"\r\n.\r\n"
END_OF_HEADERS = b"\r\n\r\n"
USUAL = b"\r\nList-Unsubscribe: <http"
LIST_UNSUBSCRIBE = re.compile(rb"^List-Unsubscribe:((?:[^\r]|\r\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
LINK = re.compile(rb"<(https?://[^<>]+)>")
BLANK = re.compile(rb"\s+")


class Incoming:
    def __init__(self) -> None:
        self.buffer = bytearray(ROOM)
        self.start = self.end = 0  # what was read and not yet understood
        self._searched = 0
        self._is_hasty = False

    def room(self) -> memoryview:
        if len(self.buffer) - self.end < ROOM // 4:
            rest = self.buffer[self.start : self.end]
            self.buffer = bytearray(
                max(ROOM, 2 * len(rest))
            )  # not resized: a view of the old one may be about
            self.buffer[: len(rest)] = rest
            self._searched -= self.start
            self.start, self.end = 0, len(rest)
        return memoryview(self.buffer)[self.end :]

    def forget(self) -> None:
        self.start = self.end = self._searched = 0

    def tidy(self) -> None:
        if self.start == self.end:
            self.forget()

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Take what the pattern describes, if it stands there."""
        found = pattern.match(self.buffer, self.start, self.end)
        if found:
            self.start = found.end()
        return found

    def line(self) -> bytes | None:
        end = self.buffer.find(b"\r\n", self.start, self.end)
        if end < 0:
            return None
        line = bytes(self.buffer[self.start : end])
        self.start = end + 2
        return line

    def begin_mail(self) -> None:
        """Who did not wait for our 354 may send several mails at once: their ends are looked for from the front."""
        self._is_hasty, self._searched = self.start != self.end, self.start

    def mail(self) -> tuple[int, int] | None:
        """Where the next mail stands in the buffer, without its final dot; None when its end has not come."""
        begin = self.start
        # The end may be the very first line (an empty mail), or lie across two packets.
        if self.buffer.startswith(b".\r\n", begin, self.end):
            self.start = begin + 3
            return begin, begin
        end = -1
        if not self._is_hasty:
            end = self.buffer.rfind(END_OF_DATA, max(self._searched, self.end - TAIL), self.end)
        if end < 0:
            end = self.buffer.find(END_OF_DATA, self._searched, self.end)
        if end < 0:
            self._searched = max(begin, self.end - len(END_OF_DATA) + 1)
            return None
        self.start = end + len(END_OF_DATA)
        return begin, end + 2

    def way_out(self, begin: int, end: int) -> str:
        """The link in the header List-Unsubscribe of the mail that stands there, as a mailbox would find it."""
        head = self.buffer.find(END_OF_HEADERS, begin, end) + 2
        if head == 1:
            return ""
        usual = self.buffer.find(USUAL, begin, head)
        if usual >= 0:  # the link and no more, on one line
            close = self.buffer.find(b">\r\n", usual, head)
            line = self.buffer[usual + USUAL.index(b"http") : close]
            if b"\n" not in line and not self.buffer.startswith((b" ", b"\t"), close + 3, end):
                return line.decode()
        found = LIST_UNSUBSCRIBE.search(self.buffer, begin, head)
        link = LINK.search(BLANK.sub(b"", found[1])) if found else None
        return link[1].decode() if link else ""


def shown(sender: bytes, address: str, source: bytes) -> dict[str, Any]:
    plain = source.replace(b"\r\n..", b"\r\n.")
    return {
        "sender": sender.decode("utf-8", "replace"),
        "to": address,
        "source": plain[plain.startswith(b"..") :].decode("utf-8", "replace"),
    }
