from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def outbox_path(settings: pytest.FixtureRequest, tmp_path: Path) -> Path:
    settings.OUTBOX_PATH = tmp_path / "outbox.sqlite3"
    settings.MAILERS = {"default": {"BACKEND": "outbox.backend.EmailBackend"}}
    return settings.OUTBOX_PATH
