from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from delivery import tasks
from delivery.models import Batch, Delivery, Dispatch
from newsletter import publishing
from newsletter.models import Issue
from tests import factories


def test_due_issue_starts_once(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    publishing.schedule(draft, at=timezone.now() - timedelta(minutes=1))

    tasks.start_due()
    tasks.start_due()

    draft.refresh_from_db()
    assert (draft.status, Dispatch.objects.count()) == ("sent", 1)


def test_issue_whose_time_has_not_come_waits(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    publishing.schedule(draft, at=timezone.now() + timedelta(minutes=1))

    tasks.start_due()

    draft.refresh_from_db()
    assert (draft.status, Dispatch.objects.count()) == ("scheduled", 0)


def test_schedule_missed_by_hours_does_not_fire_late_and_says_so(draft: Issue, caplog) -> None:
    factories.cast(draft.newsletter)
    publishing.schedule(draft, at=timezone.now() - tasks.GRACE - timedelta(minutes=1))

    tasks.start_due()

    draft.refresh_from_db()
    assert (draft.status, Dispatch.objects.count()) == ("draft", 0)
    assert [record.levelname for record in caplog.records if record.name == "delivery.tasks"] == ["ERROR"]


def test_due_issue_that_cannot_be_sent_is_a_draft_again_and_says_why(draft: Issue, caplog) -> None:
    publishing.schedule(draft, at=timezone.now() - timedelta(minutes=1))

    tasks.start_due()

    draft.refresh_from_db()
    assert draft.status == "draft"
    assert "no confirmed readers" in caplog.text


def test_lost_wake_ups_are_made_up_for_by_the_sweep(draft: Issue, mailgun) -> None:
    factories.readers(draft.newsletter, 25)
    publishing.schedule(draft, at=timezone.now())
    tasks.start_due()  # and its message is lost
    dispatch = Dispatch.objects.get()

    tasks.sweep()  # asks for preparation
    tasks.prepare_dispatch(dispatch.pk)
    tasks.prepare_dispatch(dispatch.pk)
    tasks.sweep()  # asks for senders
    for _ in range(5):
        tasks.send_batches(dispatch.pk)

    dispatch.refresh_from_db()
    assert (dispatch.state, mailgun.seen()["mails"]) == (Dispatch.State.SENT, 25)
    assert Delivery.objects.filter(state="accepted").count() == 25
    assert not Batch.objects.open().exists()
