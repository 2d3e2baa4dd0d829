from __future__ import annotations

import pytest
from django.core.cache import caches

from tests.browsers import chrome
from tests.subscribers.moving import change

__all__ = ["change", "chrome"]


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    """The guard counts posts in this process (or in Redis); no test shall be asked a riddle for what others posted."""
    for name in ("default", "limits", "limits_here"):
        caches[name].clear()
