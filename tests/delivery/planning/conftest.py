from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from newsletter.models import Issue, Newsletter
from tests import factories
from tests.delivery.planning.desk import make_team


@pytest.fixture
def team(draft: Issue) -> dict[str, User]:
    """wim writes, edda and eddie edit, pia publishes; the issue is ready to go out."""
    factories.cast(draft.newsletter)
    factories.accept_warnings(draft)
    return make_team(draft.newsletter)


@pytest.fixture
def four_eyes(draft: Issue) -> None:
    Newsletter.objects.update(needs_second_person=True)
    draft.newsletter.refresh_from_db()
