"""What becomes of the mails, told by a fake as its provider tells it: event by event, posted to a webhook.

POST /_events   an Asked as JSON: begin to post, for all mails taken so far or, with `live`, for each as it is taken
GET  /_events   how far that is
"""

from __future__ import annotations

import base64
import queue
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.ledger import Trace

Kind = Literal["delivered", "bounced", "deferred", "complained"]
FIRST_DELIVERED = frozenset({"complained"})  # nobody complains of what never came
PAUSE = 0.2  # seconds before an event is posted again, longer each time


@dataclass(frozen=True, slots=True)
class Posting:
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What to tell of which mails, and how badly. Nothing is told of a mail on which no chance falls."""

    url: str  # with user:password@ for basic auth
    secret: str = ""  # the signing key, for providers that sign
    chance: dict[Kind, float] = field(default_factory=lambda: {"delivered": 1.0})
    each: dict[str, list[Kind]] = field(default_factory=dict)  # address: exactly these, in this order
    order: Literal["sent", "reversed", "shuffled"] = "sent"
    twice: float = 0.0  # the share of events that come a second time, unchanged
    seed: int = 0
    live: bool = False
    pause: float = 0.0  # seconds between two events
    tries: int = 5  # how often an event that is not answered by 2xx is posted at most


class Poster:
    """A thread that posts events one after the other over a kept-open connection."""

    def __init__(self, asked: Asked, posting: Callable[[Kind, Trace], Posting]) -> None:
        self._asked, self._posting = asked, posting
        self._chances = random.Random(asked.seed)
        self._waiting: queue.SimpleQueue[Posting | None] = queue.SimpleQueue()
        self._answers: Counter[str] = Counter()
        self._told = self._given_up = 0
        self._is_stopped = False
        self._line: HTTPConnection | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def add(self, trace: Trace) -> None:
        for posting in self._postings(trace):
            self._waiting.put(posting)

    def add_all(self, traces: list[Trace]) -> None:
        """All of these in the order asked for, and no more."""
        postings = [posting for trace in traces for posting in self._postings(trace)]
        if self._asked.order == "reversed":
            postings.reverse()
        elif self._asked.order == "shuffled":
            self._chances.shuffle(postings)
        for posting in postings:
            self._waiting.put(posting)
        self._waiting.put(None)

    def stop(self) -> None:
        self._is_stopped = True
        self._waiting.put(None)

    def report(self) -> dict[str, Any]:
        return {
            "is_done": not self._thread.is_alive(),
            "told": self._told,
            "given_up": self._given_up,
            "answers": dict(self._answers),
        }

    def _postings(self, trace: Trace) -> list[Posting]:
        kinds = self._asked.each.get(trace.address)
        postings = [self._posting(kind, trace) for kind in (self._drawn() if kinds is None else kinds)]
        if self._asked.twice:
            postings += [posting for posting in postings if self._chances.random() < self._asked.twice]
        return postings

    def _drawn(self) -> list[Kind]:
        drawn = self._chances.random()
        for kind, chance in self._asked.chance.items():
            drawn -= chance
            if drawn < 0:
                return ["delivered", kind] if kind in FIRST_DELIVERED else [kind]
        return []

    def _work(self) -> None:
        while (posting := self._waiting.get()) is not None and not self._is_stopped:
            self._tell(posting)
            time.sleep(self._asked.pause)
        if self._line is not None:
            self._line.close()

    def _tell(self, posting: Posting) -> None:
        for count in range(1, self._asked.tries + 1):
            answer = self._post(posting)
            self._answers[answer] += 1
            if answer.startswith("2"):
                self._told += 1
                return
            if self._is_stopped or count == self._asked.tries:
                break
            time.sleep(PAUSE * count)
        self._given_up += 1

    def _post(self, posting: Posting) -> str:
        parts = urlsplit(self._asked.url)
        headers = {"Content-Type": "application/json", "User-Agent": "fake/1"} | posting.headers
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        if self._line is None:
            self._line = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        try:
            self._line.request("POST", parts.path or "/", posting.body, headers)
            answer = self._line.getresponse()
            answer.read()
        except (OSError, HTTPException) as error:
            self._line.close()
            return type(error).__name__
        return str(answer.status)
