from __future__ import annotations

import pytest
from django.utils import translation


@pytest.fixture
def english() -> None:
    """Whatever a test before it spoke."""
    translation.activate("en")
