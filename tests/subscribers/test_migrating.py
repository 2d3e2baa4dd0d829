"""What readers were before there were letters and pauses with an end, they are after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("subscribers", "0002_desk"), ("delivery", "0006_desk"), ("newsletter", "0003_desk")]


def migrate(to: list[Any]) -> Any:
    executor = MigrationExecutor(connection)
    return executor.migrate(to).apps


@pytest.fixture
def before() -> Iterator[Any]:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        yield migrate(BEFORE)
    finally:
        migrate(latest)


def test_readers_of_before_keep_what_they_were_and_what_was_on_its_way(before: Any) -> None:
    now = timezone.now()
    daily = before.get_model("newsletter", "Newsletter").objects.create(slug="daily", name="The Daily")

    def reader(name: str, status: str, **times: Any) -> int:
        person = before.get_model("subscribers", "Subscriber").objects.create(
            email=f"{name}@example.com", address_key=name
        )
        return (
            before.get_model("subscribers", "Subscription")
            .objects.create(subscriber=person, newsletter=daily, status=status, **times)
            .pk
        )

    hours = [now - timedelta(hours=count) for count in range(100)]
    rests = reader("rests", "paused", confirmed_at=hours[9])
    waits = reader("waits", "pending", mail_due_at=hours[1], mail_sent_at=hours[2], generation=3)
    asked = reader("asked", "pending", mail_sent_at=hours[30])
    reader("long ago", "pending", mail_sent_at=hours[80])
    joined = reader("joined", "active", mail_sent_at=hours[2], confirmed_at=hours[1])
    again = reader("again", "active", mail_due_at=hours[0], confirmed_at=hours[9])

    after = migrate([("subscribers", "0003_readers")])

    resting = after.get_model("subscribers", "Subscription").objects.get(pk=rests)
    assert (resting.status, resting.paused_until) == ("paused", None)
    letters = after.get_model("subscribers", "Letter").objects.order_by("subscription", "due_at")
    found = [(each.subscription_id, each.kind, each.sent_at, each.due_at, each.covers) for each in letters]
    assert sorted(found, key=lambda row: (row[0], row[3] is not None)) == [
        (waits, "confirmation", hours[2], None, [f"{waits}.3"]),
        (waits, "confirmation", None, hours[1], [f"{waits}.3"]),
        (asked, "confirmation", hours[30], None, [f"{asked}.1"]),
        (joined, "confirmation", hours[2], None, [f"{joined}.1"]),
        (again, "known", None, hours[0], [f"{again}.1"]),
    ]
