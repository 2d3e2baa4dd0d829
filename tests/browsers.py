"""A browser beside the tests' own process, for pages that a live_server serves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.services import chromium


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    # Playwright's loop runs in this thread, and Django would refuse its ORM to whoever has one.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        running = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield running
        running.close()
