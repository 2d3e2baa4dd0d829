"""One at a time while answers are quick, many at once while they are slow, and the ledger in one hand."""

from __future__ import annotations

import threading
import time

from delivery.messages import HandOver, Receipt
from delivery.speaking import Speakers


def answering(number: int, *, after: float, threads: set[str]) -> HandOver:
    def speak() -> Receipt:
        threads.add(threading.current_thread().name)
        time.sleep(after)
        return Receipt(accepted={number: ""})

    return HandOver(speak=speak, fingerprint="")


def say_all(speakers: Speakers[int], *, count: int, after: float) -> tuple[list[int], set[str], int]:
    """As the engine does: the notes in the order of their answers, who spoke, and the most that were on their way."""
    heard: list[int] = []
    threads: set[str] = set()
    flying = most = number = 0
    while len(heard) < count:
        if number < count and speakers.has_room:
            speakers.say(answering(number, after=after, threads=threads), number)
            sum(range(20_000))  # what a worker does itself for each
            number, flying = number + 1, flying + 1
            most = max(most, flying)
        for note, receipt in speakers.answers(seconds=0.0 if speakers.has_room else 1.0):
            assert receipt.accepted == {note: ""}
            heard.append(note)
            flying -= 1
    return heard, threads, most


def test_quick_answers_need_no_thread() -> None:
    speakers: Speakers[int] = Speakers(8)

    heard, threads, most = say_all(speakers, count=20, after=0.0)

    assert (heard, threads, most) == (list(range(20)), {"MainThread"}, 1)


def test_slow_answers_are_waited_for_together_and_none_is_lost() -> None:
    speakers: Speakers[int] = Speakers(5)

    heard, threads, most = say_all(speakers, count=21, after=0.1)

    assert (sorted(heard), most) == (list(range(21)), 5)
    assert "MainThread" in threads  # the first told how slow they are
    assert len(threads) == 6
    assert speakers.is_silent


def test_waiting_without_anybody_speaking_takes_its_time() -> None:
    speakers: Speakers[int] = Speakers(2)
    before = time.monotonic()

    assert list(speakers.answers(seconds=0.05)) == []

    assert time.monotonic() - before >= 0.05
