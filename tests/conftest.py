from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

from newsletter.models import Issue, Newsletter
from subscribers import facts, wordings
from subscribers.guard import floods, sieges, tallies
from tests import factories


@pytest.fixture(autouse=True)
def nobody_counted(request: pytest.FixtureRequest) -> None:
    """Each test begins as if nobody had signed up in the last hour, and no domain had been looked up."""
    caches[tallies.HERE].clear()
    floods.forget()
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
    "delivery/gateway/",
    "delivery/test_answers",
    "delivery/test_conversation",
    "delivery/test_mime",
    "delivery/test_smtp",
    "fakes/",
    "newsletter/",
    "outbox/",
)
DATABASE = {"db", "transactional_db", "live_server"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        place = item.path.relative_to(TESTS).as_posix()
        asks = DATABASE.intersection(getattr(item, "fixturenames", ()))
        if place.startswith(WITHOUT_SERVICES) and not asks and not item.get_closest_marker("django_db"):
            item.add_marker("bare")
