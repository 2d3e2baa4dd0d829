from __future__ import annotations

import json

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from newsletter.models import Newsletter
from subscribers import forgetting, lifecycle
from subscribers.models import Subscription
from tests import factories
from tests.subscribers.test_forgetting import days


def journal(*lines: tuple[str, str]) -> None:
    boss = User.objects.create_superuser("boss")
    for name, message in lines:
        LogEntry.objects.create(user=boss, action_flag=CHANGE, object_repr=name, change_message=message)


def lines() -> list[tuple[str, str]]:
    return list(LogEntry.objects.order_by("pk").values_list("object_repr", "change_message"))


GONE = ("(deleted)", "")


@pytest.mark.parametrize(
    ("name", "message", "goes"),
    [
        ("ra@example.co", "", True),
        ("RA@example.co – The Daily", "", True),
        ("Daily", json.dumps([{"added": {"object": "ra@example.co"}}]), True),
        ("Daily", "to=ra@example.co, and <ra@example.co>.", True),
        ("nora@example.co", "", False),
        ("ra@example.com", "", False),
        ("ra@example.co.uk", "", False),
        ("no-ra@example.co", "o.ra@example.co x+ra@example.co", False),
    ],
)
def test_who_is_erased_leaves_no_trace_and_takes_nobody_elses_along(
    daily: Newsletter, name: str, message: str, goes: bool
) -> None:
    ra = factories.subscription(daily, "ra@example.co").subscriber
    journal((name, message))

    lifecycle.erase(ra)

    assert lines() == [GONE if goes else (name, message)]


def test_forgetting_many_reads_the_journal_once(daily: Newsletter) -> None:
    names = [f"r{number}@example.com" for number in range(5)]
    for name in names:
        factories.subscription(daily, name, status="unsubscribed")
    journal(*((name, "") for name in [*names, "somebody@example.com"]))

    with CaptureQueriesContext(connection) as captured:
        forgetting.forget(now=days(366), until=days(1))

    read = [query["sql"] for query in captured if 'FROM "django_admin_log"' in query["sql"]]
    assert (Subscription.objects.count(), len(read)) == (0, 1)
    assert lines() == [GONE] * 5 + [("somebody@example.com", "")]
