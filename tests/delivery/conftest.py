from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from config import mailers
from delivery import submission
from delivery.gateway import smtp
from tests.fakes.client import Fake


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried at once: no test waits for a clock."""
    monkeypatch.setattr(submission, "PATIENCE", 0.0)


def send_through(fake: Fake, settings: Any, **hand_over: int) -> None:
    mailer = mailers.parse(fake.mailer_url, name="MAILER_URL")
    settings.MAILERS = {**settings.MAILERS, "bulk": mailer.as_setting()}
    settings.HAND_OVER = {"bulk": {"scheme": mailer.scheme, "batch_size": 10, **hand_over}}


@pytest.fixture(scope="session")
def running_mailgun() -> Iterator[Fake]:
    with Fake("mailgun", keep="all") as fake:
        yield fake


@pytest.fixture(scope="session")
def running_smtp() -> Iterator[Fake]:
    with Fake("smtp", keep="all") as fake:
        yield fake


@pytest.fixture(scope="session")
def running_plain_smtp() -> Iterator[Fake]:
    with Fake("smtp", keep="all", args=("--one-at-a-time",)) as fake:
        yield fake


@pytest.fixture
def mailgun(running_mailgun: Fake, settings: Any) -> Fake:
    running_mailgun.reset()
    send_through(running_mailgun, settings)
    return running_mailgun


@pytest.fixture
def smtp_server(running_smtp: Fake, settings: Any) -> Iterator[Fake]:
    running_smtp.reset()
    send_through(running_smtp, settings)
    yield running_smtp
    smtp.close("bulk")


@pytest.fixture
def plain_smtp_server(running_plain_smtp: Fake, settings: Any) -> Iterator[Fake]:
    """A server without PIPELINING: every command waits for its answer."""
    running_plain_smtp.reset()
    send_through(running_plain_smtp, settings)
    yield running_plain_smtp
    smtp.close("bulk")


@pytest.fixture(params=["mailgun", "smtp_server", "plain_smtp_server"])
def provider(request: pytest.FixtureRequest) -> Fake:
    """Each way of handing over that takes many readers in one batch."""
    found: Fake = request.getfixturevalue(request.param)
    return found
