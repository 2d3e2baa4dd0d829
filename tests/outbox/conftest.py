from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def outbox_path(settings: Settings, tmp_path: Path) -> Path:
    path = tmp_path / "outbox.sqlite3"
    settings.OUTBOX_PATH = path
    settings.MAILERS = {"default": {"BACKEND": "outbox.backend.EmailBackend"}}
    return path
