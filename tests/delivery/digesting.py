"""A newsletter with a weekly digest, for tests of it."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from delivery import digests, preparation, submission, tasks
from delivery.models import Digest, Dispatch
from newsletter.models import Issue, Newsletter
from subscribers import counting
from tests import factories

HOUR = timedelta(hours=1)


def weekly_of(daily: Newsletter) -> Newsletter:
    """Its digest was due two minutes ago. One reader wants it, one wants every issue."""
    factories.subscription(daily, "digest@example.com", frequency="weekly")
    factories.subscription(daily, "every@example.com")
    counting.refresh()
    daily.refresh_from_db()
    was_due(daily, ago=timedelta(minutes=2))
    return daily


def was_due(newsletter: Newsletter, *, ago: timedelta) -> Digest:
    """As if it had been planned a week ago for that moment."""
    at = (timezone.now() - ago).replace(microsecond=0)
    newsletter.digest_day, newsletter.digest_time = at.weekday(), at.time()
    newsletter.save()
    return Digest.objects.create(newsletter=newsletter, at=at, week=at.date() - timedelta(days=at.weekday()))


def out(newsletter: Newsletter, slug: str, *, days: float, **fields: object) -> Issue:
    """An issue that came out so many days ago."""
    at = timezone.now() - timedelta(days=days)
    given = {"subject": f"About {slug}", "preheader": f"More on {slug}", "status": "sent", "published_at": at}
    return factories.issue(newsletter, slug, **given | fields)


def look() -> Issue | None:
    digests.look(now=timezone.now())
    return Issue.objects.filter(kind="digest").first()


def sent() -> Dispatch:
    """As beat and the workers do it."""
    tasks.start_due()
    dispatch = Dispatch.objects.get(issue__kind="digest")
    preparation.prepare(dispatch.pk)
    submission.send_for(dispatch.pk, seconds=5)
    dispatch.refresh_from_db()
    return dispatch
