"""Counts that forget: how often something happened within some minutes, for all processes together.

They are in Redis where there is one, else in this process's memory (CACHES in the settings). While Redis does not
answer, each process counts for itself for some seconds rather than wait at every post: the limits are as many times
wider then as there are processes, and never gone.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import logging
import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from django.core.cache.backends.base import BaseCache

type Named = Sequence[tuple[str, int]]  # counters by name, and the seconds that each is kept

logger = logging.getLogger(__name__)

SHARED, HERE = "limits", "limits_here"
REST = 5.0  # seconds for which Redis is left alone after it has not answered

_rests_until = 0.0


def count(key: str, *, within: timedelta, now: datetime) -> int:
    """One more of it. Returns how many there are in this stretch of time; stretches follow the clock."""
    return count_all([(key, within)], now=now)[0]


def count_all(keys: Sequence[tuple[str, timedelta]], *, now: datetime) -> list[int]:
    """The same for several at once, asked in one trip. In the order of `keys`."""
    named = [(_name(key, within=within, now=now), int(within.total_seconds()) * 2) for key, within in keys]
    return _asked(lambda cache: _count(cache, named))


def left(within: timedelta, *, now: datetime) -> float:
    """Seconds of this stretch of time."""
    seconds = within.total_seconds()
    return seconds - now.timestamp() % seconds


def is_first(key: str, *, within: timedelta) -> bool:
    """Whether nobody has said this before; of several at the same moment, one is the first."""
    return _asked(lambda cache: cache.add(key, 1, within.total_seconds()))


def keep(key: str, value: bool, *, within: timedelta) -> None:
    _asked(lambda cache: cache.set(key, int(value), within.total_seconds()))


def kept(key: str) -> bool | None:
    """None: not known, or not any more."""
    value = _asked(lambda cache: cache.get(key))
    return None if value is None else bool(value)


def mark(text: str) -> str:
    """Stands for an address where the address itself has no business: in a counter's name, in a signed text."""
    return hmac.digest(f"courant.guard{settings.SUPPRESSION_KEY}".encode(), text.encode(), "sha256").hex()[
        :24
    ]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _name(key: str, *, within: timedelta, now: datetime) -> str:
    """With the stretch in it, so that no count can outlive its time, whatever becomes of its expiry."""
    return f"{key}:{int(now.timestamp() // within.total_seconds())}"


def _count(cache: BaseCache, named: Named) -> list[int]:
    if isinstance(cache, RedisCache):
        return _count_in_redis(cache, named)
    return [_count_here(cache, name, seconds) for name, seconds in named]


def _count_here(cache: BaseCache, name: str, seconds: int) -> int:
    try:
        return cache.incr(name)
    except ValueError:  # the first of this stretch, or one that was first at the same moment
        return 1 if cache.add(name, 1, seconds) else cache.incr(name)


def _count_in_redis(cache: Any, named: Named) -> list[int]:
    """All commands in one round trip; the cache's own methods would make up to four of each, and a client for each: to
    make one costs as much as to ask."""
    pool = cache._cache._get_connection_pool(write=True)
    pipeline = Pipeline(pool, _how_to_read(), transaction=False, shard_hint=None)
    for name, seconds in named:
        pipeline.set(cache.make_key(name), 0, ex=seconds, nx=True)
        pipeline.incr(cache.make_key(name))
    return [int(count) for count in pipeline.execute()[1::2]]


@functools.cache
def _how_to_read() -> Any:
    """What makes answers of bytes; it takes a client to know, and no connection."""
    return Redis().response_callbacks


def _asked[Answer](ask: Callable[[BaseCache], Answer]) -> Answer:
    global _rests_until
    if time.monotonic() >= _rests_until:
        try:
            return ask(caches[SHARED])
        except RedisError as error:
            _rests_until = time.monotonic() + REST
            logger.warning("Redis does not count sign-ups; each process counts its own for now: %s", error)
    return ask(caches[HERE])
