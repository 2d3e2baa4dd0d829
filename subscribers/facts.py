"""What every post at a newsletter's form asks for, and hardly ever changes: kept for seconds in this process.

Three of the five questions that a sign-up would put to the database. What is saved here is seen at once; what another
process saves, within KEPT.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from newsletter.models import Issue, Newsletter
from subscribers import known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.models import ReaderField

KEPT = 3.0  # seconds


@dataclass(frozen=True, slots=True)
class Facts:
    """To be read only, but for `pages`: all threads share it."""

    newsletter: Newsletter
    fields: Sequence[ReaderField]  # that its form asks for
    latest: Issue | None  # without its body
    until: float  # monotonic
    pages: dict[tuple[object, ...], Any] = field(default_factory=dict)  # that views have drawn of it


_kept: dict[str, Facts] = {}  # by slug; of newsletters that there are, so there are few


def of(slug: str) -> Facts:
    """Raises Newsletter.DoesNotExist."""
    found = _kept.get(slug)
    if found is None or found.until < time.monotonic():
        newsletter = Newsletter.objects.get(slug=slug)
        found = Facts(newsletter, known.asked(newsletter), latest_issue(newsletter), time.monotonic() + KEPT)
        _kept[slug] = found
    return found


def latest_issue(newsletter: Newsletter) -> Issue | None:
    found = Issue.objects.public().filter(newsletter=newsletter).defer("body").first()
    if found:
        found.newsletter = newsletter
    return found


def forget() -> None:
    _kept.clear()
