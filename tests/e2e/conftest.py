"""The whole Courant as its users meet it: `manage.py demo` with its processes, and a real browser."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.services import chromium, free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
expect.set_options(
    timeout=20_000
)  # milliseconds; a busy machine is slow, and a page that never comes fails all the same


@dataclass(frozen=True)
class Installation:
    url: str
    environment: dict[str, str]

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Straight from its database: a command takes seconds to start."""
        if url := self.environment.get("DATABASE_URL"):
            with psycopg.connect(url) as postgres:
                return postgres.execute(statement.encode()).fetchall()
        with closing(sqlite3.connect(Path(self.environment["DATA_DIR"]) / "courant.sqlite3")) as sqlite:
            return sqlite.execute(statement).fetchall()


@pytest.fixture(scope="package")
def courant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("courant")
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DATA_DIR": str(folder),
        "DEBUG": "1",
        "SITE_URL": f"http://localhost:{port}",
        "LINK_CHECKS": "0",  # the same with and without the internet
        "SEND_UNDO_SECONDS": "2",
        "MAILER_URL": "outbox://?per_second=25&batch_size=20",  # slow enough to be stopped on its way
        **_services(),
    }
    log = folder / "demo.log"
    with log.open("wb") as output:
        command = [sys.executable, "manage.py", "demo", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        _wait_until_it_runs(process, log)
        yield Installation(f"http://localhost:{port}", environment)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _services() -> dict[str, str]:
    """On PostgreSQL and Redis where the suite runs on them, each with a corner of its own."""
    if not os.environ.get("REDIS_URL"):
        return {}
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE courant_e2e")
    return {
        "DATABASE_URL": f"{server.rpartition('/')[0]}/courant_e2e",
        "REDIS_URL": f"{os.environ['REDIS_URL'].rpartition('/')[0]}/7",
    }


def _wait_until_it_runs(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while "Courant is running" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"The demo did not start:\n{log.read_text()}")
        time.sleep(0.1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of the module, not the session: while Playwright's loop runs in this thread, Django refuses its ORM to others."""
    with sync_playwright() as playwright:
        flags = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
        ]
        running = playwright.chromium.launch(executable_path=chromium(), args=flags)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh visitor. The test fails when any page breaks the content security policy or throws."""
    context = browser.new_context()
    context.set_default_timeout(20_000)
    faults: list[str] = []
    context.on("console", lambda message: faults.append(message.text) if _is_fault(message.text) else None)
    context.on("weberror", lambda error: faults.append(str(error.error)))
    yield context.new_page()
    context.close()
    assert faults == []


def _is_fault(text: str) -> bool:
    return "Content Security Policy" in text or "Content-Security-Policy" in text


def fetch(url: str, *, data: bytes | None = None) -> int:
    with urllib.request.urlopen(url, data=data, timeout=20) as answer:  # noqa: S310 -- our own loopback address
        return int(answer.status)
