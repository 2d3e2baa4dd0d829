"""A small HTTP/1.1 server on asyncio: keep-alive, bodies with a length, answers that may come late or never.

Made to cost little, since benches share their cores with it: a body of many megabytes is received straight into a
buffer of its own length, and nothing is looked at twice.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD_END = b"\r\n\r\n"
MAX_HEAD = 64 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LENGTH_REQUIRED = b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytearray

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@dataclass(slots=True)
class Response:
    """drop: break the connection. cut: begin the answer, then break it. hang: never answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    then: Literal["answer", "hang", "drop", "cut"] = "answer"

    def encoded(self) -> bytes:
        reason = HTTPStatus(self.status).phrase
        extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        head = (
            f"HTTP/1.1 {self.status} {reason}\r\nContent-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n{extra}\r\n"
        )
        return head.encode() + self.body


def as_json(data: Any, *, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Response(status, json.dumps(data).encode(), headers=named)


@dataclass(frozen=True, slots=True)
class Head:
    method: str
    target: str
    headers: dict[str, str]

    def with_body(self, body: bytearray) -> Request:
        parts = urlsplit(self.target)
        return Request(self.method, parts.path, dict(parse_qsl(parts.query)), self.headers, body)


class HttpProtocol(asyncio.BufferedProtocol):
    """One connection: requests are answered one after the other by `handler`, which must not block."""

    _transport: asyncio.Transport

    def __init__(self, handler: Callable[[Request], Response]) -> None:
        self._handler = handler
        self._buffer = bytearray(MAX_HEAD)  # heads, and what came in the same packet
        self._filled = 0
        self._head: Head | None = None  # of the request whose body is being received
        self._body = bytearray()
        self._received = 0
        self._is_waiting = self._is_deaf = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        if self._head is not None:
            return memoryview(self._body)[self._received :]
        return memoryview(self._buffer)[0 if self._is_deaf else self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        if self._is_deaf:
            return
        if self._head is None:
            self._filled += nbytes
            self._serve()
            return
        self._received += nbytes
        if self._received == len(self._body):
            self._answer(self._taken())
            self._serve()

    def _serve(self) -> None:
        while self._filled and not self._is_waiting and self._head is None:
            if not self._read_head():
                return
            if self._received == len(self._body):
                self._answer(self._taken())

    def _read_head(self) -> bool:
        """Turn from a whole head to its body, as far as that came along; False while the head is not whole."""
        end = self._buffer.find(HEAD_END, 0, self._filled)
        if end < 0:
            if self._filled == MAX_HEAD:
                self._transport.abort()
            return False
        line, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "transfer-encoding" in headers:
            self._refuse_to_listen()
            return False
        method, target, _ = line.split(" ", 2)
        self._head = Head(method, target, headers)
        start = end + len(HEAD_END)
        self._begin_body(start, int(headers.get("content-length", 0)))
        if self._received < len(self._body) and headers.get("expect", "").lower() == "100-continue":
            self._transport.write(CONTINUE)
        return True

    def _begin_body(self, start: int, length: int) -> None:
        here = min(length, self._filled - start)
        self._body, self._received = bytearray(length), here
        self._body[:here] = memoryview(self._buffer)[start : start + here]
        left = self._filled - start - here  # of the next request, from a client that does not wait
        self._buffer[:left] = self._buffer[start + here : self._filled]
        self._filled = left

    def _taken(self) -> Request:
        assert self._head is not None
        request, self._head, self._body = self._head.with_body(self._body), None, bytearray()
        self._received = 0
        return request

    def _refuse_to_listen(self) -> None:
        self._transport.write(LENGTH_REQUIRED)
        self._is_deaf = self._is_waiting = True
        self._transport.close()

    def _answer(self, request: Request) -> None:
        response = self._handler(request)
        if response.delay:
            self._is_waiting = True
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(response.delay, self._resume, response)
        else:
            self._respond(response)

    def _resume(self, response: Response) -> None:
        if self._transport.is_closing():
            return
        self._is_waiting = False
        self._transport.resume_reading()
        self._respond(response)
        self._serve()

    def _respond(self, response: Response) -> None:
        if response.then == "answer":
            self._transport.write(response.encoded())
        elif response.then == "hang":
            self._is_waiting = self._is_deaf = True  # for ever; only notices that the other side has gone
        elif response.then == "drop":
            self._is_waiting = True
            self._transport.abort()
        else:
            self._is_waiting = self._is_deaf = True
            whole = (
                response.encoded()
            )  # without a body, even the status line must miss its end: clients guess the rest
            self._transport.write(whole[: -(len(response.body) // 2 + 1)] if response.body else whole[:10])
            self._transport.close()
