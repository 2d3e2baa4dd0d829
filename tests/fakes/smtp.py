"""A fake SMTP server: takes everything, counts it, and answers fast enough not to be what is measured.

python -m tests.fakes.smtp --port 0     prints {"port": …, "control": …}: SMTP, and the control channel by HTTP
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.fakes import control
from tests.fakes.web import HttpProtocol, Request, Response

if TYPE_CHECKING:
    import argparse

    from tests.fakes.faults import Kind

LARGEST = 35_882_577  # bytes of one mail
END_OF_DATA = b"\r\n.\r\n"
END_OF_HEADERS = b"\r\n\r\n"
LIST_UNSUBSCRIBE = re.compile(rb"^List-Unsubscribe:((?:[^\r]|\r\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
LINK = re.compile(rb"<(https?://[^<>]+)>")
BLANK = re.compile(rb"\s+")
PATH = re.compile(rb"\s*(?:FROM|TO):\s*<([^<>]*)>(.*)", re.IGNORECASE)
SIZE = re.compile(rb"\bSIZE=(\d+)", re.IGNORECASE)
HELP = {
    b"NOOP": b"250 2.0.0 OK\r\n",
    b"VRFY": b"252 2.0.0 Try it and see\r\n",
    b"DATA": b"354 End with a dot\r\n",
}


class Sink(control.Provider):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.login = f"\0{options.user}\0{options.password}".encode() if options.user else b""

    def handle(self, request: Request) -> Response:
        return self.control(request) or Response(404)

    def take(self, sender: bytes, recipients: list[bytes], source: bytes) -> None:
        head = source[: source.find(END_OF_HEADERS) + 2]
        found = LIST_UNSUBSCRIBE.search(head)
        link = LINK.search(BLANK.sub(b"", found[1])) if found else None
        way_out = link[1].decode() if link else ""
        for recipient in recipients:
            address = recipient.decode("utf-8", "replace")
            self.ledger.add(address, way_out, partial(_shown, sender, address, source))


class SmtpProtocol(asyncio.Protocol):
    """One connection. Commands may come in any number at once (PIPELINING); answers leave in one write."""

    _sender: bytes | None
    _recipients: list[bytes]
    _fault: Kind | None

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self._answers: list[bytes] = []
        self._is_waiting = self._in_data = self._is_authenticated = self._is_greeted = False
        self._searched = 0
        self._auth_lines: list[bytes] | None = None
        self._reset()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 fake.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._work()

    def _work(self) -> None:
        while not self._is_waiting and (self._read_mail() if self._in_data else self._read_line()):
            pass
        if self._answers:
            self._transport.write(b"".join(self._answers))
            self._answers.clear()

    def _read_line(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        if self._auth_lines is None:
            self._command(line)
        else:
            self._continue_auth(line)
        return not self._transport.is_closing()

    def _read_mail(self) -> bool:
        # The end may be the very first line (an empty mail), or lie across two packets.
        end = 0 if self._buffer.startswith(b".\r\n") else self._buffer.find(END_OF_DATA, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(END_OF_DATA))
            return False
        source = bytes(self._buffer[: end + 2]) if end else b""
        del self._buffer[: end + (len(END_OF_DATA) if end else 3)]
        self._searched, self._in_data = 0, False
        self._finish(source)
        return not self._transport.is_closing()

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"MAIL":
            self._mail(line[4:])
        elif verb == b"RCPT":
            self._rcpt(line[4:])
        elif verb == b"DATA":
            self._in_data = bool(self._recipients)
            self._answers.append(HELP[verb] if self._in_data else b"503 5.5.1 No recipient yet\r\n")
        elif verb in {b"EHLO", b"HELO"}:
            self._hello(verb)
        elif verb == b"RSET":
            self._reset()
            self._answers.append(b"250 2.0.0 OK\r\n")
        elif verb == b"AUTH":
            self._auth_lines = []
            self._continue_auth(line[4:].strip())
        elif verb == b"QUIT":
            self._leave(b"221 2.0.0 Goodbye\r\n")
        else:
            self._answers.append(HELP.get(verb, b"502 5.5.1 What?\r\n"))

    def _hello(self, verb: bytes) -> None:
        self._is_greeted = True
        self._reset()
        if verb == b"HELO":
            self._answers.append(b"250 fake.example\r\n")
            return
        offered = ["fake.example", "8BITMIME", "SMTPUTF8", f"SIZE {LARGEST}"]
        if not self._sink.options.one_at_a_time:
            offered.append("PIPELINING")
        if self._sink.login:
            offered.append("AUTH PLAIN LOGIN")
        lines = [f"250-{line}\r\n" for line in offered[:-1]] + [f"250 {offered[-1]}\r\n"]
        self._answers.append("".join(lines).encode())

    def _mail(self, rest: bytes) -> None:
        path, size = PATH.match(rest), SIZE.search(rest)
        if not self._is_greeted:  # RFC 5321 4.1.4, and most servers insist
            self._answers.append(b"503 5.5.1 Send EHLO first\r\n")
        elif self._sink.login and not self._is_authenticated:
            self._answers.append(b"530 5.7.0 Authentication required\r\n")
        elif path is None or self._sender is not None:
            self._answers.append(b"503 5.5.1 MAIL FROM:<sender> is wanted once\r\n")
        elif size and int(size[1]) > LARGEST:
            self._answers.append(b"552 5.3.4 Too large\r\n")
        else:
            self._begin(path[1])

    def _begin(self, sender: bytes) -> None:
        self._sink.ledger.tally["calls"] += 1
        self._fault = self._sink.faults.next()
        self._sink.ledger.tally["faults"] += self._fault is not None
        if self._fault == "throttle":
            self._leave(b"421 4.7.0 Too many mails, come back later\r\n")
            return
        self._sender = sender
        self._answers.append(b"250 2.1.0 OK\r\n")

    def _rcpt(self, rest: bytes) -> None:
        path = PATH.match(rest)
        if self._sender is None or path is None:
            self._answers.append(b"503 5.5.1 RCPT TO:<reader> is wanted after MAIL\r\n")
            return
        refused = self._sink.faults.refuse.get(path[1].decode("utf-8", "replace"))
        if refused:
            self._answers.append(f"{refused} {refused // 100}.1.1 This reader is not taken\r\n".encode())
        else:
            self._recipients.append(path[1])
            self._answers.append(b"250 2.1.5 OK\r\n")

    def _finish(self, source: bytes) -> None:
        fault, faults = self._fault, self._sink.faults
        if fault in {None, "drop"}:
            assert self._sender is not None
            self._sink.take(self._sender, self._recipients, source)
        self._reset()
        if fault == "drop":
            self._transport.abort()
        elif fault == "hang":
            self._is_waiting = True  # for ever
        else:
            status = faults.error_status or 451
            answer = f"{status} {status // 100}.3.0 Not now\r\n".encode() if fault else b"250 2.0.0 Taken\r\n"
            self._answer_late(answer, faults.latency)

    def _answer_late(self, answer: bytes, delay: float) -> None:
        self._answers.append(answer)
        if delay:
            self._is_waiting = True
            late, self._answers = self._answers, []
            asyncio.get_running_loop().call_later(delay, self._resume, late)

    def _resume(self, late: list[bytes]) -> None:
        self._is_waiting = False
        self._answers = late
        self._work()

    def _continue_auth(self, line: bytes) -> None:
        """PLAIN with its words at once or on the next line; LOGIN with name and password on a line each."""
        assert self._auth_lines is not None
        self._auth_lines.append(line)
        kind, _, at_once = self._auth_lines[0].upper().partition(b" ")
        words = [self._auth_lines[0].partition(b" ")[2]] if at_once else []
        words += self._auth_lines[1:]
        wanted = 2 if kind == b"LOGIN" else 1
        if len(words) < wanted:
            prompt = base64.b64encode([b"Username:", b"Password:"][len(words)]) if wanted == 2 else b""
            self._answers.append(b"334 " + prompt + b"\r\n")
            return
        self._auth_lines = None
        try:
            given = [base64.b64decode(word) for word in words]
        except binascii.Error:
            given = []
        said = b"\0".join([b"", *given]) if wanted == 2 else b"".join(given)
        self._is_authenticated = bool(self._sink.login) and said == self._sink.login
        right, wrong = b"235 2.7.0 Welcome\r\n", b"535 5.7.8 Wrong name or password\r\n"
        self._answers.append(right if self._is_authenticated else wrong)

    def _leave(self, words: bytes) -> None:
        self._transport.write(b"".join([*self._answers, words]))
        self._answers.clear()
        self._transport.close()

    def _reset(self) -> None:
        self._sender = None
        self._recipients = []
        self._fault = None


def _shown(sender: bytes, address: str, source: bytes) -> dict[str, Any]:
    plain = source.replace(b"\r\n..", b"\r\n.") if b"\r\n.." in source else source
    return {
        "sender": sender.decode("utf-8", "replace"),
        "to": address,
        "source": plain.decode("utf-8", "replace"),
    }


def main() -> None:
    parser = control.options("A fake SMTP server on loopback.")
    parser.add_argument("--one-at-a-time", action="store_true", help="offer no PIPELINING")
    parser.add_argument("--user", default="", help="ask for AUTH with this name")
    parser.add_argument("--password", default="")
    chosen = parser.parse_args()
    sink = Sink(chosen)
    services = {"port": lambda: SmtpProtocol(sink), "control": lambda: HttpProtocol(sink.handle)}
    asyncio.run(control.serve(chosen, services=services))


if __name__ == "__main__":
    main()
