from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from newsletter.models import Issue
from tests.delivery.proofing.mails import NAME, TOWN


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", email="ada@desk.example", is_staff=True)


@pytest.fixture
def letter(draft: Issue) -> Issue:
    """An issue that says something of each reader."""
    draft.body = NAME + TOWN
    draft.save(update_fields=["body"])
    return draft
