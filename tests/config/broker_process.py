"""Producers and consumers for the broker's tests, as processes of their own.

    python -m tests.config.broker_process put FILE FIRST COUNT
    python -m tests.config.broker_process take FILE LEASE [hold]

`take` writes the number of each message it has acknowledged on a line; `hold` takes one and never acknowledges.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from kombu import Connection, Consumer, Queue

import config.sqlite_broker  # noqa: F401 -- registers the embedded:// transport with kombu

NUMBERS = Queue("numbers", routing_key="numbers")
IDLE = 1.5  # seconds without a message after which a consumer is done


def put(path: str, first: int, count: int) -> None:
    with Connection(f"embedded://localhost/{path}") as connection:
        producer = connection.Producer()
        for number in range(first, first + count):
            producer.publish({"number": number}, routing_key="numbers", declare=[NUMBERS])


def take(path: str, lease: float, *, hold: bool) -> None:
    def on_message(body: dict[str, Any], message: Any) -> None:
        print(body["number"], flush=True)
        if hold:
            time.sleep(600)
        message.ack()

    with (
        Connection(f"embedded://localhost/{path}", transport_options={"lease": lease}) as connection,
        Consumer(connection, [NUMBERS], callbacks=[on_message], prefetch_count=4),
    ):
        while True:
            try:
                connection.drain_events(timeout=IDLE)
            except TimeoutError:
                return


if __name__ == "__main__":
    if sys.argv[1] == "put":
        put(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        take(sys.argv[2], float(sys.argv[3]), hold="hold" in sys.argv)
