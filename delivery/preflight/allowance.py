"""Whether the provider takes so many readers at once, and how long it takes if not."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery import allowances, throttle
from delivery.allowances import DAY, HOUR
from newsletter.preflight import Finding, Level, mark

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.models import Issue


def findings(
    alias: str, *, domain: str, readers: int, at: datetime, but_for: Issue | None = None
) -> list[Finding]:
    held = allowances.hold(readers, alias=alias, domain=domain, begin=at, but_for=but_for)
    if held.until > at:
        words = _("%(limit)s. With %(readers)s readers, the last gets it %(duration)s after the first.")
        text = words % {"limit": held.words, "readers": f"{readers:,}", "duration": in_words(held.until - at)}
        # An acceptance holds while somebody moves on from the checks to the button, and the clock with them.
        return [Finding("allowance", Level.WARNING, text, "mailer", mark(held.words, held.windows))]
    rate = throttle.per_second(alias)
    if rate and (seconds := readers / rate) >= 60:
        words = _("The last reader gets it about %(duration)s after the first.")
        text = words % {"duration": in_words(timedelta(seconds=seconds))}
        return [Finding("pace", Level.FINE, text, "mailer")]
    return []


def in_words(time: timedelta) -> str:
    """As roughly as people say it."""
    if time >= timedelta(hours=36):
        days = math.ceil(time / DAY)
        return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
    if time >= timedelta(minutes=90) or time == HOUR:
        hours = math.ceil(time / HOUR)
        return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    minutes = max(1, math.ceil(time / timedelta(minutes=1)))
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
