"""The state behind the fake SMTP server: what it took, and what it shall do oddly."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from tests.fakes import control
from tests.fakes.smtp_answers import CERTIFICATE, Odd, OddAnswers, server_context
from tests.fakes.smtp_reading import shown
from tests.fakes.web import Request, Response, as_json

if TYPE_CHECKING:
    import argparse

    from tests.fakes.faults import Kind


class Sink(control.Provider):
    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.login = f"\0{options.user}\0{options.password}".encode() if options.user else b""
        self.tls = server_context() if options.tls or options.starttls else None
        self._calm, self.odd = self.faults, OddAnswers()

    @property
    def is_calm(self) -> bool:
        """Nothing was set: whole envelopes may be answered at once."""
        return self.faults is self._calm and not self.odd.answers

    def clear(self) -> None:
        super().clear()
        self._calm, self.odd = self.faults, OddAnswers()

    def handle(self, request: Request) -> Response:
        if request.path == "/_answers":
            self.odd = OddAnswers([Odd(**one) for one in json.loads(request.body or b"[]")])
            return as_json({})
        return self.control(request) or Response(404)

    def next_fault(self) -> Kind | None:
        self.ledger.tally["calls"] += 1
        fault = None if self.faults is self._calm else self.faults.next()
        if fault:
            self.ledger.tally["faults"] += 1
            self.ledger.met[fault] += 1
        return fault

    def take(self, sender: bytes, recipients: list[bytes], source: bytes, link: str) -> None:
        for recipient in recipients:
            address = recipient.decode("utf-8", "replace")
            self.ledger.add(address, link, partial(shown, sender, address, source))

    def last_answer(self, fault: Kind | None) -> bytes:
        match fault:
            case "error" | "error_after":
                status = self.faults.error_status or 451
                return f"{status} {status // 100}.3.0 Not now\r\n".encode()
            case "html":
                return b"<!doctype html><title>Welcome</title>\r\n"
            case "garbled":
                return b"2\r\n"
        return b"250 2.0.0 Taken\r\n"


def options() -> argparse.Namespace:
    parser = control.options("A fake SMTP server on loopback.")
    parser.add_argument("--one-at-a-time", action="store_true", help="offer no PIPELINING")
    parser.add_argument("--one-at-a-time-in-tls", action="store_true", help="none once the line is encrypted")
    parser.add_argument("--user", default="", help="ask for AUTH with this name")
    parser.add_argument("--password", default="")
    parser.add_argument(
        "--tls", action="store_true", help=f"TLS from the first byte, with {CERTIFICATE.name}"
    )
    parser.add_argument("--starttls", action="store_true", help="offer STARTTLS; login only after it")
    return parser.parse_args()
