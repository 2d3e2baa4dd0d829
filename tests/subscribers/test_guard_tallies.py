from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

from subscribers.guard import tallies
from tests import services

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[services.Server]:
    """A Redis of this test alone, which it may freeze and stop."""
    try:
        with services.redis_server() as server:
            options = {"socket_timeout": 0.25, "socket_connect_timeout": 0.25}
            cache = RedisCache(server.url, {"KEY_PREFIX": "test", "OPTIONS": options})
            monkeypatch.setattr(caches._connections, tallies.SHARED, cache, raising=False)
            yield server
    except services.UnavailableError as error:
        pytest.skip(str(error))


def test_count_counts_within_its_stretch() -> None:
    counts = [tallies.count("a", within=MINUTE, now=NOW + timedelta(seconds=n)) for n in (0, 1, 59, 60, 61)]

    assert counts == [1, 2, 3, 1, 2]
    assert tallies.count("b", within=MINUTE, now=NOW) == 1


def test_first_is_only_one() -> None:
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: tallies.is_first("once", within=HOUR), range(40)))

    assert sorted(said, reverse=True) == [True, *[False] * 39]


def test_many_at_once_lose_no_count() -> None:
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: tallies.count("busy", within=HOUR, now=NOW), range(200)))

    assert sorted(counts) == list(range(1, 201))


def test_what_is_kept_is_known_again() -> None:
    tallies.keep("fine", True, within=HOUR)
    tallies.keep("broken", False, within=HOUR)

    assert [tallies.kept(key) for key in ("fine", "broken", "unheard")] == [True, False, None]


def test_redis_counts_for_everybody(redis: services.Server) -> None:
    assert [tallies.count("a", within=MINUTE, now=NOW) for _ in range(3)] == [1, 2, 3]
    assert tallies.count("a", within=MINUTE, now=NOW) == 4

    cache: Any = caches[tallies.SHARED]
    names = [name.decode() for name in cache._cache.get_client().keys("*")]
    assert names == [f"test:1:a:{int(NOW.timestamp()) // 60}"]
    assert cache._cache.get_client().ttl(names[0]) in range(100, 121)


def test_counting_goes_on_when_redis_is_gone_and_comes_back(
    redis: services.Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tallies.count("a", within=MINUTE, now=NOW)
    redis.stop(harshly=True)

    meanwhile = [tallies.count("a", within=MINUTE, now=NOW) for _ in range(3)]
    redis.start()
    monkeypatch.setattr(tallies, "_rests_until", 0.0)
    after = tallies.count("a", within=MINUTE, now=NOW)

    assert (meanwhile, after) == ([1, 2, 3], 1)
    assert [record.message[:31] for record in caplog.records] == ["Redis does not count sign-ups; "]


def test_a_frozen_redis_costs_one_wait_and_no_more(redis: services.Server) -> None:
    tallies.count("a", within=MINUTE, now=NOW)
    redis.freeze()

    start = time.monotonic()
    counts = [tallies.count("a", within=MINUTE, now=NOW) for _ in range(50)]
    seconds = time.monotonic() - start

    assert counts == list(range(1, 51))
    assert seconds < 2.0  # fifty waits would be twelve seconds
