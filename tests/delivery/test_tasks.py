from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from delivery import alarms, epoch, planning, preparation, tasks
from delivery.models import Alarm, Batch, Delivery, Dispatch, MailerState, Plan
from newsletter.models import Issue, Newsletter
from tests import factories


def due(issue: Issue, *, minutes: float) -> None:
    """By the database's own clock."""
    Plan.objects.filter(issue=issue).delete()
    Issue.objects.filter(pk=issue.pk).update(status="draft")
    factories.scheduled(issue, at=Now() - timedelta(minutes=minutes))


def test_due_issue_starts_once(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    factories.scheduled(draft, at=timezone.now() - timedelta(minutes=1))

    tasks.start_due()
    tasks.start_due()

    draft.refresh_from_db()
    assert (draft.status, Dispatch.objects.count()) == ("sent", 1)


def test_due_issue_waits_for_a_mailer_that_does_not_work(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    MailerState.objects.create(alias="bulk", broken_since=timezone.now(), reason="No such account.")
    factories.scheduled(draft, at=timezone.now() - timedelta(minutes=1))

    tasks.start_due()

    draft.refresh_from_db()
    assert (draft.status, Dispatch.objects.count()) == ("sent", 1)


def test_issue_whose_time_has_not_come_waits(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    factories.scheduled(draft, at=timezone.now() + timedelta(minutes=1))

    tasks.start_due()

    draft.refresh_from_db()
    assert (draft.status, Dispatch.objects.count()) == ("scheduled", 0)


@pytest.mark.parametrize(
    ("hours", "outcome"), [(5.9, ("sent", 1)), (6.1, ("draft", 0))], ids=["within", "beyond"]
)
def test_late_schedule_fires_within_its_grace_and_not_beyond(
    draft: Issue, hours: float, outcome: tuple[str, int]
) -> None:
    factories.cast(draft.newsletter)
    due(draft, minutes=hours * 60)

    tasks.start_due()

    draft.refresh_from_db()
    assert (draft.status, Dispatch.objects.count()) == outcome


def test_missed_schedule_is_logged_and_mailed_to_the_owners(draft: Issue, settings, caplog) -> None:
    settings.SEND_GRACE = timedelta(hours=1)
    User.objects.create_superuser("boss", "boss@daily.example")
    factories.cast(draft.newsletter)
    due(draft, minutes=61)

    tasks.start_due()
    alarms.watch()

    (message,) = mail.outbox
    assert message.subject == "The Daily: “The tide keeps its own clock” missed its time"
    assert "could not be started within 1 h of that. It is a draft again." in message.body
    assert [line.levelname for line in caplog.records if line.name == "delivery.alarms"] == ["ERROR"]


def test_due_issue_that_cannot_be_sent_is_a_draft_again_and_the_owners_hear_why(draft: Issue) -> None:
    User.objects.create_superuser("boss", "boss@daily.example")
    due(draft, minutes=1)

    tasks.start_due()
    alarms.watch()

    draft.refresh_from_db()
    (message,) = mail.outbox
    assert draft.status == "draft"
    assert "it is a draft again: The newsletter has no confirmed readers yet." in message.body


def test_schedule_that_was_cancelled_in_this_moment_is_left_alone(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    due(draft, minutes=7 * 60)
    seen = Issue.objects.get(pk=draft.pk)
    draft.refresh_from_db()
    planning.give_back(draft, because="Cancelled.")
    factories.scheduled(draft, at=timezone.now() + timedelta(days=1))

    tasks._give_back(seen, Alarm.Kind.MISSED)

    draft.refresh_from_db()
    assert (draft.status, Alarm.objects.count()) == ("scheduled", 0)


def test_one_issue_that_breaks_does_not_hold_up_the_next(draft: Issue, caplog) -> None:
    factories.cast(draft.newsletter)
    other = factories.issue(draft.newsletter, "other")
    broken = factories.newsletter("broken")
    factories.cast(broken)
    third = factories.issue(broken)
    due(third, minutes=3)
    due(draft, minutes=2)
    due(other, minutes=1)
    Newsletter.objects.filter(pk=broken.pk).update(sender_name="A\nB")  # no form lets it in

    tasks.start_due()

    assert "other" in Dispatch.objects.values_list("issue__slug", flat=True)
    assert f"Issue {third.pk} was due and could not be started." in caplog.text


def test_nothing_starts_by_itself_while_sending_is_frozen(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    due(draft, minutes=1)
    epoch.freeze("This is a copy.")

    tasks.start_due()
    due(draft, minutes=3)
    alarms.watch()

    draft.refresh_from_db()
    assert (draft.status, Dispatch.objects.count()) == ("scheduled", 0)
    assert Alarm.objects.get().text.endswith(" and has not started. This is a copy.")


@pytest.mark.django_db(transaction=True)
def test_task_delivered_many_times_at_once_makes_one_dispatch(caplog) -> None:
    daily = factories.newsletter()
    factories.cast(daily)
    due(factories.issue(daily), minutes=1)
    due(factories.issue(daily, "missed"), minutes=7 * 60)

    at_once(tasks.start_due, times=10)

    assert list(Dispatch.objects.values_list("issue__slug", flat=True)) == ["tides"]
    assert list(Alarm.objects.values_list("kind", "issue__slug")) == [("missed", "missed")]
    assert [line for line in caplog.records if line.name == "delivery.tasks"] == []


@pytest.mark.django_db(transaction=True)
def test_wake_up_delivered_many_times_at_once_prepares_once() -> None:
    daily = factories.newsletter()
    factories.readers(daily, 25)
    dispatch = preparation.start(factories.issue(daily))

    at_once(lambda: tasks.prepare_dispatch(dispatch.pk), times=5)

    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.audience_size, Delivery.objects.count()) == ("sending", 25, 25)


def at_once(step: Callable[[], None], *, times: int) -> None:
    gate = threading.Barrier(times)

    def one() -> None:
        gate.wait()
        try:
            step()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as threads:
        for done in [threads.submit(one) for _ in range(times)]:
            done.result()


def test_lost_wake_ups_are_made_up_for_by_the_sweep(draft: Issue, mailgun) -> None:
    factories.readers(draft.newsletter, 25)
    factories.scheduled(draft, at=timezone.now())
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
