"""What each provider can do, and so how an issue is handed over to it.

A provider goes by batches only once a test has looked at its final payload, with each reader's own way out in
header and body; until then it gets one call per reader, which every provider does right.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from django.conf import settings


class Way(enum.Enum):
    SLOTS = "one call for many readers; the provider fills in the slots"
    SINGLE = "one call per reader"
    SMTP = "prepared MIME bytes over a kept-open connection"


@dataclass(frozen=True, slots=True)
class Profile:
    way: Way
    batch_size: int  # readers in one claim by default; also how many a worker's death can leave uncertain
    largest_batch: int  # what the provider takes in one call
    slot_syntax: str = ""  # how the provider writes a slot, with {} for its name
    concurrency: int = 4


SINGLE = Profile(Way.SINGLE, batch_size=20, largest_batch=100)
PROFILES = {
    "mailgun": Profile(Way.SLOTS, batch_size=500, largest_batch=1000, slot_syntax="%recipient.{}%"),
    "smtp": Profile(Way.SMTP, batch_size=100, largest_batch=1000),
    "smtps": Profile(Way.SMTP, batch_size=100, largest_batch=1000),
}


def scheme(alias: str) -> str:
    """The provider behind a mailer of MAILERS, as its URL in the environment begins: mailgun, smtp, outbox …"""
    return str(_options(alias)["scheme"])


def profile(alias: str) -> Profile:
    return PROFILES.get(scheme(alias), SINGLE)


def batch_size(alias: str) -> int:
    """Readers in one batch: `?batch_size=` of the mailer URL, within what the provider takes."""
    found = profile(alias)
    return min(int(_options(alias).get("batch_size", found.batch_size)), found.largest_batch)


def concurrency(alias: str) -> int:
    """How many batches of one dispatch may be in workers' hands at once: `?concurrency=`, or the provider's default."""
    return int(_options(alias).get("concurrency", profile(alias).concurrency))


def _options(alias: str) -> dict[str, Any]:
    return settings.HAND_OVER[alias]
