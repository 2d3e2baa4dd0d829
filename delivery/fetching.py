"""What is fetched from a provider's store: neither for ever, nor whatever its size."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import requests
import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATIENCE = (3, 5)  # seconds to connect, and for each next byte
LONGEST = 20.0  # seconds, for a mail and what says where it lies
CHUNK, LARGEST = 65_536, 10_000_000  # bytes


def chunks(url: str, *, until: float, headers: Mapping[str, str] | None = None) -> Iterator[bytes]:
    """Its body, as it comes. `until`: by `time.monotonic`. Raises requests.RequestException when it cannot be had until
    then, and ValueError when it is too large."""
    with requests.get(url, headers=headers, stream=True, timeout=PATIENCE) as answer:
        answer.raise_for_status()
        taken = 0
        while chunk := _next(answer):
            taken += len(chunk)
            if taken > LARGEST:
                raise ValueError("The mail is too large.")
            if time.monotonic() > until:
                raise requests.Timeout
            yield chunk


def _next(answer: requests.Response) -> bytes:
    """What is there, however little: to wait for a whole chunk could take as long as whoever sends it likes."""
    try:
        found: bytes = answer.raw.read1(CHUNK, decode_content=True)
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError from error
    return found
