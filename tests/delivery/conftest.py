from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import mailers
from delivery import submission, watermark
from delivery.gateway import smtp
from delivery.models import Dispatch
from newsletter.models import Issue
from tests.delivery.engine import prepared
from tests.fakes.client import Fake


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried at once: no test waits for a clock."""
    monkeypatch.setattr(submission, "PATIENCE", 0.0)


@pytest.fixture(autouse=True)
def no_marks(settings: Any) -> Iterator[None]:
    """How far an earlier test's database had come says nothing about this one's."""
    folder, redis_url = Path(settings.DATA_DIR), settings.REDIS_URL
    lose_marks(folder, redis_url)
    yield
    lose_marks(folder, redis_url)


def lose_marks(folder: Path, redis_url: str) -> None:
    (folder / watermark.FILE).unlink(missing_ok=True)
    if redis_url:
        redis = watermark._redis(redis_url)
        redis.delete(watermark.KEY)
        redis.close()


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


@pytest.fixture(scope="session")
def running_resend() -> Iterator[Fake]:
    with Fake("resend", keep="all") as fake:
        yield fake


@pytest.fixture
def resend(running_resend: Fake, settings: Any) -> Fake:
    """A provider that knows a repeated call by its key."""
    running_resend.reset()
    send_through(running_resend, settings, per_second=100_000)
    return running_resend


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


@pytest.fixture
def dispatch(draft: Issue, provider: Fake) -> Dispatch:
    return prepared(draft)


@pytest.fixture
def by_mailgun(draft: Issue, mailgun: Fake) -> Dispatch:
    return prepared(draft)


@pytest.fixture
def by_smtp(draft: Issue, smtp_server: Fake) -> Dispatch:
    return prepared(draft)


@pytest.fixture
def by_resend(draft: Issue, resend: Fake) -> Dispatch:
    return prepared(draft)
