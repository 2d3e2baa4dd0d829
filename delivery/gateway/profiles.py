"""What each provider can do, and so how an issue is handed over to it.

A provider goes by batches only once a test has looked at its final payload, with each reader's own way out in
header and body; until then it gets one call per reader, which every provider does right.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings

MB = 1024 * 1024


class Way(enum.Enum):
    SLOTS = "one call for many readers; the provider fills in the slots"
    BODIES = "one call for many readers, with a finished mail for each"
    SINGLE = "one call per reader"
    SMTP = "prepared MIME bytes over a kept-open connection"


@dataclass(frozen=True, slots=True)
class Profile:
    way: Way
    batch_size: int  # readers in one claim by default; also how many a worker's death can leave uncertain
    largest_batch: int  # what the provider takes in one call
    concurrency: int = 4  # hand-overs in flight, of all workers together
    key_life: timedelta | None = None  # how long a call may be repeated under the same key, with a margin
    calls_per_second: float | None = None  # what the provider says it takes
    largest_call: int = 20 * MB  # bytes
    per_second: int | None = None  # readers

    def at_most(self, options: dict[str, Any]) -> Profile:
        """With what the mailer URL says of it."""
        size = min(int(options.get("batch_size", self.batch_size)), self.largest_batch)
        own_rate = int(self.calls_per_second * size) if self.calls_per_second else None
        return replace(
            self,
            batch_size=size,
            concurrency=int(options.get("concurrency", self.concurrency)),
            per_second=options.get("per_second", own_rate),
        )


ONE_BY_ONE = Profile(Way.SINGLE, batch_size=20, largest_batch=100)
PROFILES = {
    # Keys are remembered 30 minutes; 100 batch calls a minute.
    "brevo": Profile(
        Way.BODIES, 500, 1000, concurrency=2, key_life=timedelta(minutes=24), calls_per_second=1.6
    ),
    # 114,000 readers are 228 calls; when each answer takes half a second, 16 at a time are 7 seconds of waiting.
    "mailgun": Profile(Way.SLOTS, 500, 1000, concurrency=16),
    "mailjet": Profile(Way.SLOTS, 50, 50, concurrency=8, largest_call=15 * MB),
    "mailtrap": Profile(Way.BODIES, 200, 500, calls_per_second=15),
    "postmark": Profile(Way.BODIES, 200, 500, concurrency=8, largest_call=48 * MB),
    # Keys are remembered 24 hours.
    "resend": Profile(Way.BODIES, 100, 100, key_life=timedelta(hours=20), calls_per_second=5),
    "sendgrid": Profile(Way.SLOTS, 500, 1000, concurrency=8),
    "ses": Profile(Way.SINGLE, batch_size=20, largest_batch=100, concurrency=8),
    "smtp": Profile(Way.SMTP, batch_size=500, largest_batch=1000, concurrency=8),
    "smtps": Profile(Way.SMTP, batch_size=500, largest_batch=1000, concurrency=8),
}


def scheme(alias: str) -> str:
    """The provider behind a mailer of MAILERS, as its URL in the environment begins: mailgun, smtp, outbox …"""
    return str(_options(alias)["scheme"])


def profile(alias: str) -> Profile:
    """What the provider takes, within what `?batch_size=`, `?concurrency=` and `?per_second=` of the URL say."""
    return PROFILES.get(scheme(alias), ONE_BY_ONE).at_most(_options(alias))


def batch_size(alias: str) -> int:
    """Readers in one batch."""
    return profile(alias).batch_size


def concurrency(alias: str) -> int:
    """How many batches may be in workers' hands at once."""
    return profile(alias).concurrency


def in_flight(alias: str) -> int:
    """How many hand-overs one process speaks at once: half of all, so that two workers share them evenly."""
    return max(1, (profile(alias).concurrency + 1) // 2)


def _options(alias: str) -> dict[str, Any]:
    return settings.HAND_OVER[alias]
