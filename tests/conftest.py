from __future__ import annotations

import pytest

from newsletter.models import Issue, Newsletter
from tests import factories


@pytest.fixture
def daily(db: None) -> Newsletter:
    return factories.newsletter()


@pytest.fixture
def draft(daily: Newsletter) -> Issue:
    return factories.issue(daily)
