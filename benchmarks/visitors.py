"""Many people at once: requests over kept-open connections, sent at their time or one after the other.

Each request is timed from the moment it should have left, so that a server that falls behind cannot hide it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

CONNECTIONS = 64
PATIENCE = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    form: dict[str, str] | None = None
    network: str = "198.51.100.7"  # as our own proxy would say

    def raw(self, host: str) -> bytes:
        body = urlencode(self.form).encode() if self.form is not None else b""
        head = f"{'GET' if self.form is None else 'POST'} {self.path} HTTP/1.1\r\nHost: {host}\r\n"
        head += f"X-Forwarded-For: {self.network}\r\nX-Forwarded-Proto: https\r\nUser-Agent: benchmark\r\n"
        if self.form is not None:
            head += "Content-Type: application/x-www-form-urlencoded\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Seen:
    """What the visitors met with."""

    waited: list[float] = field(default_factory=list)  # seconds, of each request
    answers: Counter[int] = field(default_factory=Counter)  # by status; 0: none
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.waited) / self.seconds

    def share(self, part: float) -> float:
        """So long or less waited that part of them; milliseconds."""
        return sorted(self.waited)[min(int(len(self.waited) * part), len(self.waited) - 1)] * 1000

    def told(self) -> str:
        return ", ".join(
            f"{count:,} × {status or 'no answer'}" for status, count in sorted(self.answers.items())
        )


async def visit(
    port: int, host: str, requests: Iterable[Request], *, rate: float = 0.0, connections: int = CONNECTIONS
) -> Seen:
    """Send them all; `rate` a second, or as fast as they are answered."""
    seen, start = Seen(), time.monotonic()
    waiting = _timed(requests, rate=rate, start=start)
    await asyncio.gather(*(_visitor(port, host, waiting, seen) for _ in range(connections)))
    seen.seconds = time.monotonic() - start
    return seen


def _timed(requests: Iterable[Request], *, rate: float, start: float) -> Iterator[tuple[Request, float]]:
    for number, request in enumerate(requests):
        yield request, start + number / rate if rate else 0.0


async def _visitor(port: int, host: str, waiting: Iterator[tuple[Request, float]], seen: Seen) -> None:
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    for request, due in waiting:
        if (early := due - time.monotonic()) > 0:
            await asyncio.sleep(early)
        begun = due or time.monotonic()
        status = 0
        while True:
            was_kept = streams is not None
            try:
                streams = streams or await asyncio.open_connection("127.0.0.1", port)
                status, is_kept = await asyncio.wait_for(_answer(*streams, request.raw(host)), PATIENCE)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                is_kept = False
            if not is_kept and streams:
                streams[1].close()
                streams = None
            if status or not was_kept:  # one that the server had closed meanwhile is made anew
                break
        seen.answers[status] += 1
        seen.waited.append(time.monotonic() - begun)
    if streams:
        streams[1].close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes) -> tuple[int, bool]:
    writer.write(raw)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    if b"\r\ntransfer-encoding: chunked" in head:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    elif b"\r\ncontent-length: " in head:
        await reader.readexactly(int(head.split(b"\r\ncontent-length: ")[1].split(b"\r\n")[0]))
    return status, b"\r\nconnection: close" not in head
