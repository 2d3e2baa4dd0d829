"""Counts that forget: how often something happened within some minutes, for all processes together.

They are in Redis where there is one, else in this process's memory (CACHES in the settings). While Redis does not
answer, each process counts for itself for some seconds rather than wait at every post: the limits are as many times
wider then as there are processes, and never gone.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from django.core.cache.backends.base import BaseCache

logger = logging.getLogger(__name__)

SHARED, HERE = "limits", "limits_here"
REST = 5.0  # seconds for which Redis is left alone after it has not answered

_rests_until = 0.0


def count(key: str, *, within: timedelta, now: datetime) -> int:
    """One more of it. Returns how many there are in this stretch of time; stretches follow the clock."""
    name = _name(key, within=within, now=now)
    return _asked(lambda cache: _count(cache, name, int(within.total_seconds()) * 2))


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


def _count(cache: BaseCache, name: str, seconds: int) -> int:
    if isinstance(cache, RedisCache):
        return _count_in_redis(cache, cache.make_key(name), seconds)
    try:
        return cache.incr(name)
    except ValueError:  # the first of this stretch, or one that was first at the same moment
        return 1 if cache.add(name, 1, seconds) else cache.incr(name)


def _count_in_redis(cache: Any, name: str, seconds: int) -> int:
    """Both commands in one round trip; the cache's own methods would make up to four."""
    pipeline = cache._cache.get_client(name, write=True).pipeline(transaction=False)
    pipeline.set(name, 0, ex=seconds, nx=True)
    pipeline.incr(name)
    return int(pipeline.execute()[-1])


def _asked[Answer](ask: Callable[[BaseCache], Answer]) -> Answer:
    global _rests_until
    if time.monotonic() >= _rests_until:
        try:
            return ask(caches[SHARED])
        except RedisError as error:
            _rests_until = time.monotonic() + REST
            logger.warning("Redis does not count sign-ups; each process counts its own for now: %s", error)
    return ask(caches[HERE])
