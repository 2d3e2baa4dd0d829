from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.models import Issue, Newsletter
from tests import factories


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
