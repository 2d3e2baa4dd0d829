"""A fake SMTP server: takes everything, counts it, and costs so little that it is not what is measured.

python -m tests.fakes.smtp --port 0     prints {"port": …, "control": …}: SMTP, and the control channel by HTTP

Faults happen at the end of a mail, but for `throttle`, which is a 421 to MAIL; `html` and `garbled` are answers that
are none. POST /_answers takes a list of odd answers (see smtp_answers.py), which replace those that were set.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING

from tests.fakes import control
from tests.fakes.faults import TAKEN
from tests.fakes.smtp_answers import Login
from tests.fakes.smtp_reading import Incoming
from tests.fakes.smtp_sink import Sink, options
from tests.fakes.web import HttpProtocol

if TYPE_CHECKING:
    from tests.fakes.faults import Kind
    from tests.fakes.smtp_answers import Odd

LARGEST = 35_882_577  # bytes of one mail
PATH = re.compile(rb"\s*(?:FROM|TO):\s*<([^<>]*)>(.*)", re.IGNORECASE)
SIZE = re.compile(rb"\bSIZE=(\d+)", re.IGNORECASE)
# What a client that knows PIPELINING says at once, and the answer to it.
ENVELOPE = re.compile(rb"MAIL FROM:<([^<>\r\n]+)>(?: SIZE=\d{1,7})?\r\nRCPT TO:<([^<>\r\n]+)>\r\nDATA\r\n")
ALL_WELL = b"250 2.1.0 OK\r\n250 2.1.5 OK\r\n354 End with a dot\r\n"
PLAIN = {b"NOOP": b"250 2.0.0 OK\r\n", b"VRFY": b"252 2.0.0 Try it and see\r\n"}


class SmtpProtocol(asyncio.BufferedProtocol):
    """One connection. Commands may come in any number at once (PIPELINING); answers leave in one write."""

    _sender: bytes | None
    _recipients: list[bytes]
    _fault: Kind | None

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._incoming = Incoming()
        self._answers: list[bytes] = []
        self._is_waiting = self._in_data = self._is_encrypted = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._is_greeted, self._login = False, Login(self._sink.login)
        self._reset()

    def _reset(self) -> None:
        self._sender = None
        self._recipients = []
        self._fault = None

    # --- Bytes ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._sink.options.tls and not self._is_encrypted:
            self._encrypt()
        else:
            self._greet()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._incoming.room()

    def buffer_updated(self, nbytes: int) -> None:
        self._incoming.end += nbytes
        self._work()

    def _work(self) -> None:
        while not self._is_waiting and (self._read_mail() if self._in_data else self._read_command()):
            pass
        self._incoming.tidy()
        if self._answers:
            self._transport.write(b"".join(self._answers))
            self._answers.clear()

    def _read_command(self) -> bool:
        if self._sink.is_calm and self._may_begin() and (envelope := self._incoming.match(ENVELOPE)):
            self._sink.next_fault()
            self._sender, self._recipients = envelope[1], [envelope[2]]
            self._answers.append(ALL_WELL)
            self._begin_data()
        elif (line := self._incoming.line()) is None:
            return False
        elif self._login.is_going_on:
            self._login.continue_with(line, self._answers)
        else:
            self._command(line)
        return not self._transport.is_closing()

    def _read_mail(self) -> bool:
        if (found := self._incoming.mail()) is None:
            return False
        self._in_data = False
        self._finish(*found)
        return not self._transport.is_closing()

    def _begin_data(self) -> None:
        self._in_data = True
        self._incoming.begin_mail()

    # --- Commands ---

    def _command(self, line: bytes) -> None:
        verb, rest = line[:4].upper(), line[4:]
        match verb:
            case b"MAIL":
                self._mail(rest)
            case b"RCPT":
                self._rcpt(rest)
            case b"DATA":
                self._data()
            case b"EHLO" | b"HELO":
                self._hello(verb)
            case b"AUTH":
                self._login.begin(rest.strip(), self._answers)
            case _:
                self._other(verb)

    def _other(self, verb: bytes) -> None:
        if verb == b"RSET":
            self._reset()
            self._answer("RSET", b"250 2.0.0 OK\r\n")
        elif verb == b"QUIT":
            self._leave(b"221 2.0.0 Goodbye\r\n")
        elif verb == b"STAR" and self._sink.options.starttls and not self._is_encrypted:
            self._transport.write(b"220 2.0.0 Go ahead\r\n")
            self._encrypt()
        else:
            self._answer("NOOP", PLAIN.get(verb, b"502 5.5.1 What?\r\n"))

    def _answer(self, step: str, usual: bytes) -> bool:
        """Answer as usual, or as a test wants it. Whether the command took effect."""
        odd = self._sink.odd.next(step)
        said = usual if odd is None else odd.say.encode()
        self._answers.append(said)
        if odd is not None and odd.then != "go on":
            self._end_oddly(odd)
        return said[:1] in {b"2", b"3"}

    def _end_oddly(self, odd: Odd) -> None:
        match odd.then:
            case "hang up":
                self._leave(b"")
            case "hang":
                self._is_waiting = True
            case "trickle":
                self._is_waiting = True
                said, self._answers = b"".join(self._answers), []
                self._trickle(said)

    def _trickle(self, said: bytes) -> None:
        """A byte at a time, each a packet of its own."""
        if said and not self._transport.is_closing():
            self._transport.write(said[:1])
            asyncio.get_running_loop().call_later(0.001, self._trickle, said[1:])
        else:
            self._resume([])

    def _greet(self) -> None:
        self._answer("greeting", b"220 fake.example ESMTP\r\n")
        self._work()

    def _hello(self, verb: bytes) -> None:
        options = self._sink.options
        self._is_greeted = True
        self._reset()
        offered = ["fake.example"]
        if verb == b"EHLO":
            offered += ["8BITMIME", "SMTPUTF8", f"SIZE {LARGEST}"]
            if not (options.one_at_a_time or (options.one_at_a_time_in_tls and self._is_encrypted)):
                offered.append("PIPELINING")
            if self._sink.login and (self._is_encrypted or not options.starttls):
                offered.append("AUTH PLAIN LOGIN")
            if options.starttls and not self._is_encrypted:
                offered.append("STARTTLS")
        lines = [f"250-{line}\r\n" for line in offered[:-1]] + [f"250 {offered[-1]}\r\n"]
        self._answer("EHLO", "".join(lines).encode())

    def _encrypt(self) -> None:
        """Whatever was said before counts no more (RFC 3207 4.2)."""
        self._is_encrypted = True
        self._transport.pause_reading()
        self._incoming.forget()
        self._begin_anew()
        self._encrypting = asyncio.get_running_loop().create_task(self._shake_hands())

    async def _shake_hands(self) -> None:
        loop, context = asyncio.get_running_loop(), self._sink.tls
        assert context is not None
        try:
            transport = await loop.start_tls(self._transport, self, context, server_side=True)
        except OSError:  # the client does not trust us
            return
        assert transport is not None
        self._transport = transport
        if self._sink.options.tls:
            self._greet()

    # --- A mail ---

    def _may_begin(self) -> bool:
        return self._is_greeted and self._sender is None and self._login.is_done

    def _mail(self, rest: bytes) -> None:
        path, size = PATH.match(rest), SIZE.search(rest)
        if not self._is_greeted:  # RFC 5321 4.1.4, and most servers insist
            self._answers.append(b"503 5.5.1 Send EHLO first\r\n")
        elif not self._login.is_done:
            self._answers.append(b"530 5.7.0 Authentication required\r\n")
        elif path is None or self._sender is not None:
            self._answers.append(b"503 5.5.1 MAIL FROM:<sender> is wanted once\r\n")
        elif size and int(size[1]) > LARGEST:
            self._answers.append(b"552 5.3.4 Too large\r\n")
        else:
            self._fault = self._sink.next_fault()
            if self._fault == "throttle":
                self._leave(b"421 4.7.0 Too many mails, come back later\r\n")
            elif self._answer("MAIL", b"250 2.1.0 OK\r\n"):
                self._sender = path[1]

    def _rcpt(self, rest: bytes) -> None:
        path = PATH.match(rest)
        if self._sender is None or path is None:
            self._answers.append(b"503 5.5.1 RCPT TO:<reader> is wanted after MAIL\r\n")
            return
        refused = self._sink.faults.refuse.get(path[1].decode("utf-8", "replace"))
        usual = (
            f"{refused} {refused // 100}.1.1 This reader is not taken\r\n" if refused else "250 2.1.5 OK\r\n"
        )
        if self._answer("RCPT", usual.encode()):
            self._recipients.append(path[1])

    def _data(self) -> None:
        usual = b"354 End with a dot\r\n" if self._recipients else b"503 5.5.1 No recipient yet\r\n"
        if self._answer("DATA", usual):
            self._begin_data()

    def _finish(self, begin: int, end: int) -> None:
        fault, recipients, sender = self._fault, self._recipients, self._sender or b""
        self._reset()
        before = len(self._answers)
        is_taken = self._answer("dot", self._sink.last_answer(fault)) or fault in TAKEN
        keep = self._sink.options.keep != "none"
        source = bytes(self._incoming.buffer[begin:end]) if keep else b""
        taking = partial(self._sink.take, sender, recipients, source, self._incoming.way_out(begin, end))
        if is_taken and fault not in {"hang", "late", "reset"}:
            taking()
        match fault:
            case "drop" | "reset":
                self._transport.abort()
            case "hang" | "hang_after":
                del self._answers[before:]
                self._is_waiting = True  # for ever
            case "late":
                del self._answers[before:]
                self._is_waiting = True
                asyncio.get_running_loop().call_later(self._sink.faults.late, taking)
            case "cut":
                self._leave(self._answers.pop()[:2])
            case _ if self._sink.faults.latency:
                self._answer_late(self._sink.faults.latency)

    def _answer_late(self, delay: float) -> None:
        self._is_waiting = True
        late, self._answers = self._answers, []
        asyncio.get_running_loop().call_later(delay, self._resume, late)

    def _resume(self, late: list[bytes]) -> None:
        self._is_waiting = False
        self._answers = late
        self._work()

    def _leave(self, words: bytes) -> None:
        self._transport.write(b"".join([*self._answers, words]))
        self._answers.clear()
        self._transport.close()


def main() -> None:
    chosen = options()
    sink = Sink(chosen)
    services = {"port": lambda: SmtpProtocol(sink), "control": lambda: HttpProtocol(sink.handle)}
    asyncio.run(control.serve(chosen, services=services))


if __name__ == "__main__":
    main()
