from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from kombu import Connection, Queue
from kombu.exceptions import OperationalError

import config.sqlite_broker  # noqa: F401 -- registers the embedded:// transport with kombu
from config.broker_file import BrokerFileError, Messages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "broker.sqlite3"


@pytest.fixture
def messages(path: Path) -> Iterator[Messages]:
    with closing(Messages(path, lease=0.3, timeout=5)) as opened:
        yield opened


def message(number: int, **headers: Any) -> dict[str, Any]:
    return {"body": number, "headers": headers, "properties": {"delivery_info": {}}}


def process(verb: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.config.broker_process", verb, *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE if verb == "take" else None, text=True)


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM message").fetchone()[0])


def body(taken: dict[str, Any] | None) -> Any:
    return taken and taken["body"]


def tag(taken: dict[str, Any] | None) -> str:
    assert taken is not None
    return str(taken["properties"]["delivery_tag"])


def test_two_producers_and_two_consumers_lose_and_double_nothing(path: Path) -> None:
    producers = [process("put", path, 0, 1500), process("put", path, 1500, 1500)]
    consumers = [process("take", path, 120), process("take", path, 120)]

    for producer in producers:
        assert producer.wait(60) == 0
    taken = [[int(line) for line in consumer.communicate(timeout=60)[0].split()] for consumer in consumers]

    assert sorted(taken[0] + taken[1]) == list(range(3000))
    assert rows(path) == 0


def test_messages_come_in_the_order_they_went(path: Path) -> None:
    process("put", path, 0, 200).wait(60)

    taken = process("take", path, 120).communicate(timeout=60)[0].split()

    assert taken == [str(number) for number in range(200)]


def test_a_killed_consumer_gives_its_message_back_after_the_lease(path: Path) -> None:
    process("put", path, 7, 1).wait(60)
    victim = process("take", path, 1, "hold")
    assert victim.stdout is not None
    assert victim.stdout.readline() == "7\n"
    taken_at = time.time()

    victim.kill()
    victim.communicate()
    with closing(Messages(path, lease=1, timeout=5)) as messages:
        at_once = messages.take("numbers")
        while (later := messages.take("numbers")) is None and time.time() < taken_at + 10:
            time.sleep(0.05)
        waited = time.time() - taken_at

    assert at_once is None
    assert later is not None
    assert later["properties"]["delivery_info"]["redelivered"] is True
    assert 0.8 < waited < 5


def test_a_consumer_renews_what_it_holds(path: Path) -> None:
    with Connection(f"embedded://localhost/{path}", transport_options={"lease": 0.4}) as connection:
        channel = connection.channel()
        held: list[Any] = []

        def hold(message: Any) -> None:
            held.append(message)

        queue = Queue("numbers", routing_key="numbers", channel=channel)
        queue.declare()
        connection.Producer(channel).publish({"number": 1}, routing_key="numbers")
        queue.consume(callback=hold, no_ack=False)
        connection.drain_events(timeout=1)

        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=1.2)  # three leases long
        with closing(Messages(path, lease=0.4, timeout=5)) as other:
            stolen = other.take("numbers")

        assert (len(held), stolen) == (1, None)


def test_acknowledging_deletes_and_rejecting_deletes_or_gives_back(path: Path) -> None:
    with Connection(f"embedded://localhost/{path}") as connection:
        queue = connection.SimpleQueue("numbers")
        for number in range(3):
            queue.put({"number": number})
        first, second, third = (queue.get(timeout=1) for _ in range(3))

        first.ack()
        second.reject()
        third.requeue()
        left = rows(path)
        again = queue.get(timeout=1)

        assert (left, again.payload, queue.qsize()) == (1, {"number": 2}, 0)
        again.ack()
        queue.close()
    assert rows(path) == 0


def test_a_consumer_without_acknowledgements_leaves_no_rows(path: Path) -> None:
    with Connection(f"embedded://localhost/{path}") as connection:
        queue = connection.SimpleQueue("numbers", no_ack=True)
        queue.put({"number": 1})

        taken = queue.get(timeout=1)

        assert (taken.payload, rows(path)) == ({"number": 1}, 0)
        queue.close()


def test_closing_a_connection_gives_its_messages_back_at_once(path: Path) -> None:
    with Connection(f"embedded://localhost/{path}") as connection:
        queue = connection.SimpleQueue("numbers")
        queue.put({"number": 1})
        queue.get(timeout=1)

    with Connection(f"embedded://localhost/{path}") as connection:
        taken = connection.SimpleQueue("numbers").get(timeout=1)

        assert taken.payload == {"number": 1}


def test_a_late_release_leaves_the_next_holders_lease_alone(messages: Messages) -> None:
    messages.put("q", message(1))
    first = tag(messages.take("q"))
    time.sleep(0.4)
    second = messages.take("q")

    messages.release(first)

    assert (body(second), messages.take("q")) == (1, None)


def test_purge_and_size_count_only_what_nobody_holds(messages: Messages) -> None:
    for number in range(3):
        messages.put("q", message(number))
    messages.put("other", message(9))
    held = messages.take("q")

    sizes = messages.size("q"), messages.purge("q"), messages.size("q"), messages.size("other")

    assert (body(held), sizes) == (0, (2, 2, 0, 1))


def test_expired_wake_ups_do_not_pile_up(path: Path, messages: Messages) -> None:
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    messages.put("q", message(0))
    for number in range(1, 100):
        messages.put("q", message(number, expires=past))

    messages.put("q", message(100, expires=future))

    assert (body(messages.take("q")), body(messages.take("q")), rows(path)) == (0, 100, 2)


def test_threads_share_one_connection_without_losing_anything(messages: Messages) -> None:
    taken: list[Any] = []

    def work(first: int) -> None:
        for number in range(first, first + 100):
            messages.put("q", message(number))
            if (got := messages.take("q")) is not None:
                taken.append(got["body"])
                messages.delete(tag(got))

    threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 800, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while (got := messages.take("q")) is not None:
        taken.append(got["body"])
        messages.delete(tag(got))

    assert sorted(taken) == list(range(800))


def test_a_new_file_may_be_opened_by_many_at_once(path: Path) -> None:
    opened: list[int] = []

    def come_and_go(number: int) -> None:
        for _ in range(20):
            with closing(Messages(path, lease=120, timeout=10)) as messages:
                messages.put("q", message(number))
            opened.append(number)

    threads = [threading.Thread(target=come_and_go, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(opened), rows(path)) == (120, 120)


def test_a_forked_child_opens_the_file_anew(path: Path, messages: Messages) -> None:
    messages.put("q", message(1))
    process_id = os.fork()
    if process_id == 0:
        messages.put("q", message(2))
        os._exit(0)

    os.waitpid(process_id, 0)

    assert [body(messages.take("q")) for _ in range(3)] == [1, 2, None]


def test_a_file_that_is_no_database_says_so_and_what_to_do(path: Path) -> None:
    path.write_bytes(b"certainly not SQLite" * 300)
    with Connection(f"embedded://localhost/{path}") as connection, pytest.raises(BrokerFileError) as refused:
        connection.connect()

    assert str(refused.value) == (
        f"The broker's file {path} cannot be used (file is not a database). "
        "Stop the workers and delete it: it holds only wake-ups, and the next sweep makes them anew."
    )


def test_a_locked_file_says_so_to_the_caller(path: Path, messages: Messages) -> None:
    app = Celery("embedded", broker=f"embedded://localhost/{path}", set_as_current=False, fixups=[])
    app.conf.update(broker_transport_options={"timeout": 0.2}, task_publish_retry=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(OperationalError) as refused:
            app.send_task("job")
    app.close()

    assert str(refused.value) == (
        f"The broker's file {path} cannot be used (database is locked). "
        "Another program has kept it locked; end that program."
    )


@pytest.mark.parametrize("url", ["embedded://localhost/", "embedded://localhost/relative.sqlite3"])
def test_a_url_without_an_absolute_path_is_refused(url: str) -> None:
    with Connection(url) as connection, pytest.raises(BrokerFileError, match="needs the absolute path"):
        connection.connect()
