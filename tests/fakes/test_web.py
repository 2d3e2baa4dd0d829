"""The small HTTP server below the fakes, spoken to byte by byte."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.client import KEY, Fake

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA = "ada@example.com"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture(scope="module")
def running() -> Iterator[Fake]:
    with Fake("resend") as fake:
        yield fake


@pytest.fixture
def fake(running: Fake) -> Fake:
    running.reset()
    return running


@pytest.fixture
def line(fake: Fake) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", fake.port), timeout=5) as line:
        yield line


def head(length: int, *more: str) -> bytes:
    lines = [
        *("POST /emails HTTP/1.1", "Host: x", "User-Agent: x", f"Authorization: Bearer {KEY}"),
        *(f"Content-Length: {length}", *more),
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def body(text: str = "Hi") -> bytes:
    mail: dict[str, Any] = {"from": "tide@example.com", "to": [ADA], "subject": "x", "text": text}
    return json.dumps(mail).encode()


def rest(line: socket.socket) -> bytes:
    line.shutdown(socket.SHUT_WR)
    return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.mark.parametrize("size", [1, 7, 100, 70_000, 10_000_000])
def test_calls_are_heard_in_packets_of_any_size(fake: Fake, line: socket.socket, size: int) -> None:
    small, large = body(), body("x" * (200_000 if size > 100 else 2000))
    raw = (head(len(small)) + small + head(len(large)) + large) * 3

    for start in range(0, len(raw), size):
        line.sendall(raw[start : start + size])

    assert rest(line).count(b"HTTP/1.1 200 OK") == 6
    assert fake.counts() == {ADA: 6}


def test_a_caller_who_asks_first_is_told_to_go_on(fake: Fake, line: socket.socket) -> None:
    line.sendall(head(len(body()), "Expect: 100-continue"))
    told = line.recv(65536)
    line.sendall(body())

    assert (told, rest(line)[:15], fake.counts()) == (CONTINUE, b"HTTP/1.1 200 OK", {ADA: 1})


def test_a_body_without_a_length_is_refused(fake: Fake, line: socket.socket) -> None:
    line.sendall(head(0, "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n")

    assert (line.recv(65536)[:12], fake.counts()) == (b"HTTP/1.1 411", {})


def test_calls_wait_for_the_answer_to_the_one_before(fake: Fake, line: socket.socket) -> None:
    fake.faults(latency=0.1)
    started = time.monotonic()

    line.sendall((head(len(body())) + body()) * 3)

    assert rest(line).count(b"HTTP/1.1 200 OK") == 3
    assert (time.monotonic() - started >= 0.3, fake.counts()) == (True, {ADA: 3})


def test_a_call_counts_even_if_nobody_waits_for_its_answer(fake: Fake, line: socket.socket) -> None:
    fake.faults(latency=0.2)
    line.sendall(head(len(body())) + body())
    time.sleep(0.05)
    line.close()
    time.sleep(0.2)

    assert (fake.counts(), fake.seen()["calls"]) == ({ADA: 1}, 1)
