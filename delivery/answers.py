"""What readers say to "was this good?" at an issue's end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count
from django.db.models.functions import Now

from delivery.models import Answer

if TYPE_CHECKING:
    from newsletter.models import Issue


def give(issue: Issue, *, subscription_id: int, verdict: Answer.Verdict) -> None:
    """One answer of each reader; the last one counts. Safe to do twice, also at the same time."""
    answer = Answer(issue=issue, subscription_id=subscription_id, verdict=verdict, given_at=Now())
    Answer.objects.bulk_create(
        [answer],
        update_conflicts=True,
        unique_fields=["issue", "subscription"],
        update_fields=["verdict", "given_at"],
    )


def counts(issue: Issue) -> dict[str, int]:
    """How many said what, by verdict, the best first; each is there, be it zero."""
    rows = Answer.objects.filter(issue=issue).values_list("verdict").annotate(count=Count("pk"))
    found = dict(rows)
    return {verdict.value: found.get(verdict, 0) for verdict in Answer.Verdict}
