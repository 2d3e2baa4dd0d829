"""What a subscribe box may claim: an honest count, rounded down, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.formats import number_format

if TYPE_CHECKING:
    from newsletter.models import Newsletter

FEWEST = 100  # below this a number persuades nobody


def tidy(count: int) -> int:
    """Round down to what people say: 213 → 200, 9,876 → 9,800, 98,765 → 98,000, 114,032 → 114,000."""
    digits = len(str(count))
    kept = 1 if digits <= 3 else 2 if digits <= 5 else 3
    step: int = 10 ** (digits - kept)
    return count // step * step


def readers_claim(newsletter: Newsletter) -> str:
    """ "114,000+", or "" when there are too few readers or the publisher does not want it said."""
    if not newsletter.shows_reader_count or newsletter.active_readers < FEWEST:
        return ""
    return number_format(tidy(newsletter.active_readers), use_l10n=True, force_grouping=True) + "+"
