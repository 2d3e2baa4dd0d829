"""What every provider spoken to by HTTP has in common: when it looks at what, and how its faults come in."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.fakes import control, events
from tests.fakes.addresses import link_in
from tests.fakes.web import HttpProtocol, Request, Response, as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.fakes.faults import Kind
    from tests.fakes.ledger import Trace

OOPS = b"<!doctype html><title>Welcome</title><h1>The captive portal says hello</h1>"

LIST_UNSUBSCRIBE = "list-unsubscribe"


class Refused(Exception):
    """What is wrong with a call, or with one mail of it, in the provider's words; 0 is its usual status for that."""

    def __init__(self, message: str, *, status: int = 0, code: str = "", field: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.field = status, code, field


class HttpProvider(control.Provider):
    """A provider says who may call it (`refusal`), what it takes (`accept`), and how it words trouble (`trouble`)."""

    _poster: events.Poster | None = None

    def refusal(self, request: Request) -> Response | None:
        """What it answers before it looks at any mail: there is no such path, or the key is wrong."""
        raise NotImplementedError

    def accept(self, request: Request) -> Response:
        """Take the mails of this call, or say what is wrong with them."""
        raise NotImplementedError

    def trouble(self, status: int) -> Response:
        """Its own words for a 429 or 5xx."""
        raise NotImplementedError

    def posting(self, kind: events.Kind, trace: Trace, *, secret: str) -> events.Posting:
        """The event it tells of one of its mails."""
        raise NotImplementedError

    def control(self, request: Request) -> Response | None:
        if request.path != "/_events":
            return super().control(request)
        if request.method == "GET":
            return as_json(self._poster.report() if self._poster else {"is_done": True})
        if not self.ledger.has_trail:
            return as_json("start it with --trail, or keep all mails", status=409)
        self._stop_telling()
        asked = events.Asked(**json.loads(request.body))
        self._poster = poster = events.Poster(asked, partial(self.posting, secret=asked.secret))
        if asked.live:
            self.ledger.follower = poster.add
        else:
            poster.add_all(self.ledger.trail)
        return as_json({})

    def clear(self) -> None:
        self._stop_telling()
        super().clear()

    def _stop_telling(self) -> None:
        if self._poster is not None:
            self._poster.stop()
            self._poster = self.ledger.follower = None

    def accept_late(self, request: Request) -> None:
        asyncio.get_running_loop().call_later(self.faults.late, self.accept, request)

    def handle(self, request: Request) -> Response:
        if (controlled := self.control(request)) is not None:
            return controlled
        self.ledger.tally["calls"] += 1
        response = self.refusal(request) or self._meet(self.faults.next(), request)
        response.delay = self.faults.latency
        return response

    def _meet(self, fault: Kind | None, request: Request) -> Response:
        if fault is None:
            return self.accept(request)
        self.ledger.tally["faults"] += 1
        self.ledger.met[fault] += 1
        match fault:
            case "throttle":
                response = self.trouble(429)
                response.headers |= self.faults.retry_after_header()
                return response
            case "error":
                return self.trouble(self.faults.error_status or 500)
            case "hang":
                return Response(then="hang")
            case "reset":
                return Response(then="drop")
            case "late":
                self.accept_late(request)
                return Response(then="hang")
        return self._spoilt(self.accept(request), fault)

    def _spoilt(self, response: Response, fault: Kind) -> Response:
        """The answer to a call that was taken, as its sender gets to see it."""
        match fault:
            case "drop":
                response.then = "drop"
            case "hang_after":
                response.then = "hang"
            case "cut":
                response.then = "cut"
            case "error_after":
                return self.trouble(self.faults.error_status or 503)
            case "html":
                return Response(200, OOPS, "text/html; charset=utf-8")
            case "garbled":
                response.body = response.body[: len(response.body) // 2] or b"{"
        return response

    def refuse_the_named(self, addresses: Iterable[str], message: str) -> None:
        refuse = self.faults.refuse
        if named := next((refuse[address] for address in addresses if address in refuse), None):
            raise Refused(message, status=named)

    def took(
        self, addresses: Iterable[str], *, shown: int = 1, link: str, mail: Callable[[], dict[str, Any]]
    ) -> None:
        """One message for these addresses, `shown` of them in its To: more than one see each other there."""
        if shown > 1:
            self.ledger.tally["exposed"] += shown
        for address in addresses:
            self.ledger.add(address, link, mail)


def header_link(headers: Mapping[str, str]) -> str:
    return link_in(next((value for name, value in headers.items() if name.lower() == LIST_UNSUBSCRIBE), ""))


def run(provider: HttpProvider) -> None:
    services = {"port": lambda: HttpProtocol(provider.handle)}
    asyncio.run(control.serve(provider.options, services=services))
