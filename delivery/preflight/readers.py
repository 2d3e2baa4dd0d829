"""Whether there is anybody to read it, and about as many as last time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery import audience
from newsletter.models import Issue
from newsletter.preflight import Finding, Level, mark
from subscribers.models import Subscription

if TYPE_CHECKING:
    from datetime import datetime

    from delivery.audience import Outlook

DIFFERENT = 10  # when one in so many is new or gone


def findings(issue: Issue, *, at: datetime, outlook: Outlook) -> list[Finding]:
    """Of an issue that begins at that time, which goes to so many."""
    if words := _nobody(issue, at=at):
        return [Finding("no_readers", Level.BLOCKER, words, "readers", mark())]
    found = [*_compared(issue, at=at, readers=outlook.readers)] or [_fine(outlook)]
    return [*found, *_without_digest(issue, outlook)]


def _nobody(issue: Issue, *, at: datetime) -> str:
    """Why there is nobody. An issue that all of them find in the weekly digest has readers, and so has a digest whose
    rest or correction goes to who got it, or was to, whatever they chose since."""
    if issue.kind == Issue.Kind.DIGEST:
        is_wanted = issue.dispatches.exists() or audience.getting(issue, at=at).exists()
        return "" if is_wanted else _("Nobody wants the weekly digest.")
    has_readers = Subscription.objects.mailable(issue.newsletter).exists()
    return "" if has_readers else _("The newsletter has no confirmed readers yet.")


def _compared(issue: Issue, *, at: datetime, readers: int) -> list[Finding]:
    last = audience.before(issue, at=at)
    if last is None or abs(readers - last.readers) * DIFFERENT <= last.readers:
        return []
    words = _("It goes to %(now)s readers; the last issue went to %(then)s. Is that right?")
    text = words % {"now": f"{readers:,}", "then": f"{last.readers:,}"}
    # An acceptance holds while the difference stays about what it was: a few readers more or less are no news.
    marked = mark(last.pk, round(DIFFERENT * readers / max(last.readers, 1)))
    return [Finding("other_audience", Level.WARNING, text, "readers", marked)]


def _without_digest(issue: Issue, outlook: Outlook) -> list[Finding]:
    """Who asked for one mail a week gets nothing at all where there is none."""
    if not outlook.weekly or issue.newsletter.digest_day is not None:
        return []
    words = ngettext(
        "%(count)s reader wants one mail a week, and the newsletter has no weekly digest any more: they get nothing."
        " Choose a day for it in its settings.",
        "%(count)s readers want one mail a week, and the newsletter has no weekly digest any more: they get nothing."
        " Choose a day for it in its settings.",
        outlook.weekly,
    )
    text = words % {"count": f"{outlook.weekly:,}"}
    return [Finding("no_digest", Level.WARNING, text, "readers", mark())]


def _fine(outlook: Outlook) -> Finding:
    words = _("It has readers: %(count)s.")
    return Finding("readers", Level.FINE, words % {"count": f"{outlook.readers:,}"}, "readers")
