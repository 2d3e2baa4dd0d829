from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from newsletter import publishing
from newsletter.models import Issue

TOMORROW = timezone.now() + timedelta(days=1)


def test_schedule_takes_a_draft_and_nothing_else(draft: Issue) -> None:
    first = publishing.schedule(draft, at=TOMORROW)
    second = publishing.schedule(draft, at=TOMORROW + timedelta(hours=1))

    draft.refresh_from_db()
    assert (first, second, draft.status, draft.scheduled_at) == (True, False, "scheduled", TOMORROW)


def test_schedule_that_was_cancelled_meanwhile_is_not_published(draft: Issue) -> None:
    publishing.schedule(draft, at=TOMORROW)
    seen = Issue.objects.get(pk=draft.pk)
    publishing.unschedule(draft)

    assert publishing.publish(seen) is False
    assert (seen.status, seen.published_at) == ("draft", None)


def test_schedule_that_was_moved_meanwhile_is_neither_published_nor_cancelled(draft: Issue) -> None:
    publishing.schedule(draft, at=TOMORROW)
    due, missed = Issue.objects.get(pk=draft.pk), Issue.objects.get(pk=draft.pk)
    publishing.unschedule(draft)
    publishing.schedule(draft, at=TOMORROW + timedelta(days=1))

    assert (publishing.publish(due), publishing.unschedule(missed)) == (False, False)
    draft.refresh_from_db()
    assert (draft.status, draft.scheduled_at) == ("scheduled", TOMORROW + timedelta(days=1))


def test_due_is_by_the_database_clock_and_oldest_first(draft: Issue) -> None:
    later = Issue.objects.create(newsletter=draft.newsletter, slug="later", subject="Later")
    Issue.objects.create(newsletter=draft.newsletter, slug="never", subject="Never")
    publishing.schedule(later, at=timezone.now() - timedelta(minutes=1))
    publishing.schedule(draft, at=timezone.now() - timedelta(minutes=10))

    assert list(Issue.objects.due()) == [draft, later]
    assert list(Issue.objects.due(since=timedelta(minutes=5))) == [draft]
