"""Whether there is anybody to read it, and about as many as last time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from delivery.models import Dispatch
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
    last = _last(issue)
    if last is None or not last.audience_size:
        return []
    if abs(readers - last.audience_size) * DIFFERENT <= last.audience_size:
        return []
    words = _("It goes to %(now)s readers; the last issue went to %(then)s. Is that right?")
    text = words % {"now": _number(readers), "then": _number(last.audience_size)}
    # An acceptance holds while the difference stays about what it was: a few readers more or less are no news.
    marked = mark(last.pk, round(DIFFERENT * readers / last.audience_size))
    return [Finding("other_audience", Level.WARNING, text, "readers", marked)]


def _last(issue: Issue) -> Dispatch | None:
    everyone = Dispatch.objects.filter(
        issue__newsletter=issue.newsletter_id, audience=Dispatch.Audience.EVERYONE, audience_size__gt=0
    )
    return everyone.exclude(issue=issue.pk).only("audience_size").order_by("-started_at").first()


def _fine(readers: int) -> Finding:
    return Finding(
        "readers", Level.FINE, _("It has readers: %(count)s.") % {"count": _number(readers)}, "readers"
    )


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)
