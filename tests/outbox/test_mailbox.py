from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from django.core.exceptions import ImproperlyConfigured

from outbox import mailbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.fixtures import Settings


def source(subject: str = "Hello", sender: str = "tide@example.com") -> bytes:
    return f"From: {sender}\nSubject: {subject}\n\nbody".encode()


def subjects(**query: object) -> list[str]:
    return [envelope.subject for envelope in mailbox.newest(**query)]


def test_a_mail_is_found_as_it_was_delivered() -> None:
    mailbox.deliver([("ada@example.com", source("=?utf-8?q?Caf=C3=A9?=", "Tide <t@example.com>"))])

    [envelope] = mailbox.newest()
    stored = mailbox.find(envelope.number)

    assert (envelope.sender, envelope.recipient, envelope.subject) == (
        "Tide <t@example.com>",
        "ada@example.com",
        "Café",
    )
    assert stored == mailbox.StoredMail(envelope, source("=?utf-8?q?Caf=C3=A9?=", "Tide <t@example.com>"))


def test_pages_follow_one_another_without_gap_or_repeat() -> None:
    mailbox.deliver(("ada@example.com", source(f"no {number}")) for number in range(120))
    pages: list[list[mailbox.Envelope]] = []
    before = None

    while page := mailbox.newest(before=before):
        pages.append(page)
        before = page[-1].number

    assert [len(page) for page in pages] == [50, 50, 20]
    assert [envelope.subject for page in pages for envelope in page] == [
        f"no {n}" for n in reversed(range(120))
    ]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ADA@", ["Ebbe", "ÜBER die Flut"]),
        ("über", ["ÜBER die Flut"]),
        ("flut ada", ["ÜBER die Flut"]),
        ("tide@example.com bob", ["Ebbe"]),
        ("100%", []),
        ("_", []),
        ("", ["Ebbe", "Ebbe", "ÜBER die Flut"]),
    ],
)
def test_search_looks_at_addresses_and_subject(search: str, found: list[str]) -> None:
    mailbox.deliver(
        [
            ("ada@example.com", source("ÜBER die Flut")),
            ("ada@example.com", source("Ebbe")),
            ("bob@example.com", source("Ebbe")),
        ]
    )

    assert (subjects(search=search), mailbox.count(search=search)) == (found, len(found))


def test_deliver_stores_all_or_nothing() -> None:
    def torn() -> Iterator[tuple[str, bytes]]:
        yield "ada@example.com", source()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        mailbox.deliver(torn())

    assert mailbox.count() == 0


def test_clear_throws_everything_away_and_gives_the_room_back(outbox_path: Path) -> None:
    mailbox.deliver((f"{number}@example.com", source() + bytes(range(256)) * 40) for number in range(500))
    before = outbox_path.stat().st_size

    thrown = mailbox.clear()

    assert (thrown, mailbox.count(), mailbox.newest()) == (500, 0, [])
    with closing(sqlite3.connect(outbox_path)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM source").fetchone() == (0,)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert outbox_path.stat().st_size < before


def test_several_senders_deliver_at_once_without_loss() -> None:
    def send(name: str) -> None:
        for number in range(20):
            mailbox.deliver([(f"{name}@example.com", source(f"{name} {number}"))])

    threads = [threading.Thread(target=send, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (mailbox.count(), mailbox.count(search="c@example.com")) == (120, 20)


def test_a_mailbox_without_a_path_says_so(settings: Settings) -> None:
    settings.OUTBOX_PATH = None

    with pytest.raises(ImproperlyConfigured, match="OUTBOX_PATH"):
        mailbox.newest()
