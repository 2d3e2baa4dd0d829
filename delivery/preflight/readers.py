"""Whether there is anybody to read it, and about as many as last time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from delivery import audience
from newsletter.preflight import Finding, Level, mark
from subscribers import counting
from subscribers.models import Subscription

if TYPE_CHECKING:
    from newsletter.models import Issue, Newsletter

DIFFERENT = 10  # when one in so many is new or gone


def count(newsletter: Newsletter) -> int:
    """As kept; counted anew only where nothing is kept yet."""
    return newsletter.active_readers or counting.readers(newsletter)


def findings(issue: Issue, *, readers: int) -> list[Finding]:
    if not Subscription.objects.mailable(issue.newsletter).exists():
        words = _("The newsletter has no confirmed readers yet.")
        return [Finding("no_readers", Level.BLOCKER, words, "readers", mark())]
    return [*_compared(issue, readers=readers)] or [_fine(readers)]


def _compared(issue: Issue, *, readers: int) -> list[Finding]:
    last = audience.before(issue)
    if last is None or abs(readers - last.readers) * DIFFERENT <= last.readers:
        return []
    words = _("It goes to %(now)s readers; the last issue went to %(then)s. Is that right?")
    text = words % {"now": f"{readers:,}", "then": f"{last.readers:,}"}
    # An acceptance holds while the difference stays about what it was: a few readers more or less are no news.
    marked = mark(last.pk, round(DIFFERENT * readers / max(last.readers, 1)))
    return [Finding("other_audience", Level.WARNING, text, "readers", marked)]


def _fine(readers: int) -> Finding:
    words = _("It has readers: %(count)s.")
    return Finding("readers", Level.FINE, words % {"count": f"{readers:,}"}, "readers")
