"""Fetching from whoever takes their time, over a socket: a byte now and then must not hold a thread for ever."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests

from delivery import fetching

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


def say(server: socket.socket, body: bytes, *, every: float) -> None:
    connection, _ = server.accept()
    with connection, suppress(OSError):
        connection.recv(65_536)
        connection.sendall(HEAD)
        for number in range(len(body)):
            connection.sendall(body[number : number + 1])
            time.sleep(every)


@pytest.fixture
def slow() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=say, args=(server, b"x" * 200), kwargs={"every": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(timeout=10)


def test_body_that_comes_byte_by_byte_is_given_up_in_time(slow: str) -> None:
    begun = time.monotonic()

    with pytest.raises(requests.Timeout):
        list(fetching.chunks(slow, until=begun + 0.3))

    assert time.monotonic() - begun < 2


def test_body_that_ends_too_early_is_no_body(slow: str) -> None:
    with pytest.raises(requests.ConnectionError):
        list(fetching.chunks(slow, until=time.monotonic() + 20))
