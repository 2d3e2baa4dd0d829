from __future__ import annotations

from collections.abc import Iterator

import pytest

from delivery.gateway import batch, single


@pytest.fixture(autouse=True)
def nothing_kept_open() -> Iterator[None]:
    yield
    batch.sessions.close()
    single.backends.close()


@pytest.fixture(autouse=True)
def amazon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
