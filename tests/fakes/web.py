"""A small HTTP/1.1 server on asyncio: keep-alive, bodies with a length, answers that may come late or never."""

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


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@dataclass(slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    then: Literal["answer", "hang", "drop"] = "answer"

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


class HttpProtocol(asyncio.Protocol):
    """One connection: requests are answered one after the other by `handler`, which must not block."""

    def __init__(self, handler: Callable[[Request], Response]) -> None:
        self._handler = handler
        self._buffer = bytearray()
        self._needed = 0  # bytes the request in the buffer has to have before it is worth looking again
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._serve()

    def _serve(self) -> None:
        while not self._is_waiting and len(self._buffer) >= self._needed:
            request = self._next_request()
            if request is None:
                return
            response = self._handler(request)
            if response.delay:
                self._is_waiting = True
                asyncio.get_running_loop().call_later(response.delay, self._resume, response)
            else:
                self._respond(response)

    def _resume(self, response: Response) -> None:
        self._is_waiting = False
        self._respond(response)
        self._serve()

    def _respond(self, response: Response) -> None:
        if response.then == "answer":
            self._transport.write(response.encoded())
        elif response.then == "drop":
            self._transport.abort()
        else:
            self._is_waiting = True  # for ever

    def _next_request(self) -> Request | None:
        end = self._buffer.find(HEAD_END)
        if end < 0:
            self._needed = len(self._buffer) + 1
            if end < 0 and len(self._buffer) > MAX_HEAD:
                self._transport.abort()
            return None
        line, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        start = end + len(HEAD_END)
        self._needed = start + int(headers.get("content-length", 0))
        if len(self._buffer) < self._needed:
            if headers.get("expect", "").lower() == "100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        body = bytes(self._buffer[start : self._needed])
        del self._buffer[: self._needed]
        self._needed = 0
        method, target, _ = line.split(" ", 2)
        parts = urlsplit(target)
        return Request(method, parts.path, dict(parse_qsl(parts.query)), headers, body)
