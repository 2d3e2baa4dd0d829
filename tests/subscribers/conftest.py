from __future__ import annotations

import pytest
from django.core.cache import caches


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    """The guard counts posts in this process (or in Redis); no test shall be asked a riddle for what others posted."""
    for name in ("default", "limits", "limits_here"):
        caches[name].clear()
