from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from newsletter.models import Issue, Newsletter
from tests import factories
from tests.browsers import chrome
from tests.delivery.planning.desk import make_team

__all__ = ["chrome"]


@pytest.fixture
def people(draft: Issue) -> dict[str, User]:
    Newsletter.objects.update(time_zone="Europe/London")
    draft.refresh_from_db()
    factories.cast(draft.newsletter)
    factories.accept_warnings(draft)
    return make_team(draft.newsletter)
