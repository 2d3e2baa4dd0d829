"""A newsletter's own language and time zone, for everything its readers see."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.utils import timezone, translation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.models import Newsletter


@contextmanager
def spoken_by(newsletter: Newsletter) -> Iterator[None]:
    """Texts in the newsletter's language, times by its own clock: an issue of 06:30 is of that day."""
    with translation.override(newsletter.language), timezone.override(newsletter.time_zone):
        yield
