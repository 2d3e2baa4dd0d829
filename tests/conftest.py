from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

from newsletter.models import Issue, Newsletter
from subscribers import facts, wordings
from subscribers.guard import floods, mailboxes, sieges, tallies
from tests import factories


@pytest.fixture(autouse=True)
def same_process() -> Iterator[None]:
    """The logs, and the application whose broker our tasks go to, are the whole process's: no test changes them."""
    before = logging.getLogger().level
    yield
    assert (logging.getLogger().level, current_app.main) == (before, "courant")


@pytest.fixture(autouse=True)
def nobody_counted(request: pytest.FixtureRequest) -> None:
    """Each test begins as if nobody had signed up in the last hour, and no domain had been looked up."""
    caches[tallies.HERE].clear()
    floods.forget()
    mailboxes.forget()
    facts.forget()
    wordings.forget()
    sieges.forget()
    sieges._noted.clear()
    tallies._rests_until = 0.0
    shared: Any = caches[tallies.SHARED]
    if isinstance(shared, RedisCache) and not request.node.get_closest_marker("bare"):
        redis = shared._cache.get_client()  # clear() would empty the broker, too
        if names := list(redis.scan_iter(f"{shared.key_prefix}:*")):
            redis.delete(*names)


@pytest.fixture
def daily(db: None) -> Newsletter:
    return factories.newsletter()


@pytest.fixture
def draft(daily: Newsletter) -> Issue:
    return factories.issue(daily)


TESTS = Path(__file__).parent
# Where a test that does not ask for the database touches neither it nor the broker: such tests are the same on every
# service, and `make test` runs them once.
WITHOUT_SERVICES = (
    "config/",  # what it starts has a database, and a Redis, of its own
    "delivery/gateway/",
    "delivery/test_answers",
    "delivery/test_conversation",
    "delivery/test_inbound",
    "delivery/test_mime",
    "delivery/test_personal",
    "delivery/test_preflight_sender",
    "delivery/test_progress",
    "delivery/test_smtp",
    "delivery/test_veiling",
    "desk/",
    "fakes/",
    "newsletter/",
    "outbox/",
    "subscribers/test_addresses",
    "subscribers/test_guard_networks",
    "subscribers/test_guard_typos",
    "subscribers/test_lookalikes",
    "subscribers/test_sources",
    "subscribers/test_tokens",
    "test_translations",
)
# Where a run mostly waits: for browsers, and for what was killed to come up again. `make test` has two suites beside
# each other, and the one on servers begins with these, so that each works while the other waits.
WAITING = ("e2e/", "faults/")
DATABASE = {"db", "transactional_db", "live_server"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        asks = DATABASE.intersection(getattr(item, "fixturenames", ()))
        if (
            _place(item).startswith(WITHOUT_SERVICES)
            and not asks
            and not item.get_closest_marker("django_db")
        ):
            item.add_marker("bare")
    if os.environ.get("TEST_SERVICES"):
        items.sort(key=lambda item: not _place(item).startswith(WAITING))


def _place(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).as_posix()
