"""One reminder to who did not confirm, and how long letters are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

import pytest
from django.core import mail
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import letters, lifecycle, tasks
from subscribers.letters import reminding, thinning
from subscribers.models import Letter, Siege, Subscription, Suppression
from tests import factories
from tests.clocks import ticking

Kind = Letter.Kind
DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def bob(daily: Newsletter, now: datetime) -> Subscription:
    """Asked now, and was sent the mail."""
    bob = factories.subscription(daily, "bob@example.com", status="pending")
    Subscription.objects.update(requested_at=now)
    letter = letters.ask(Kind.CONFIRMATION, bob, now=now)
    assert letter is not None
    letters.send_due(letter.pk, now=now)
    bob.refresh_from_db()
    return bob


def test_reminder_goes_once_a_day_after_with_a_fresh_link(bob: Subscription, now: datetime) -> None:
    asked = [letters.remind_due(now=now + wait) for wait in (DAY - timedelta(seconds=1), DAY, DAY)]
    letter = Letter.objects.get(kind=Kind.REMINDER)
    letters.send_due(letter.pk, now=now + DAY)
    later = [letters.remind_due(now=now + days * DAY) for days in (2, 3, 30)]

    first, second = mail.outbox
    assert (asked, later) == ([0, 1, 0], [0, 0, 0])
    assert second.subject == "Still waiting for your yes: The Daily"
    assert "/s/confirm/" in second.body
    assert "30 days after you asked" in " ".join(second.body.split())
    assert first.to == second.to


def test_reminder_after_the_purge_is_still_the_only_one(bob: Subscription, now: datetime) -> None:
    letters.remind_due(now=now + DAY)
    letters.send_due(Letter.objects.get(kind=Kind.REMINDER).pk, now=now + DAY)

    letters.forget_sent(now=now + 40 * DAY)

    assert list(Letter.objects.values_list("kind", flat=True)) == [Kind.REMINDER]


def test_nobody_is_reminded_who_confirmed_left_bounced_or_came_in_a_siege(
    bob: Subscription, now: datetime
) -> None:
    def reminded(**changes: object) -> int:
        Subscription.objects.filter(pk=bob.pk).update(**changes)
        return letters.remind_due(now=now + DAY)

    active = reminded(status="active", confirmed_at=now)
    left = reminded(status="unsubscribed", unsubscribed_at=now)
    Subscription.objects.update(status="pending")
    lifecycle.suppress("bob@example.com", reason=Suppression.Reason.HARD_BOUNCE)
    bounced = letters.remind_due(now=now + DAY)
    Suppression.objects.all().delete()
    siege = Siege.objects.create(
        newsletter=bob.newsletter, began_at=now - DAY, last_seen_at=now, usual=5, most=900
    )
    besieged = letters.remind_due(now=now + DAY)
    siege.delete()

    assert (active, left, bounced, besieged) == (0, 0, 0, 0)
    assert letters.remind_due(now=now + DAY) == 1


def test_person_with_two_wishes_gets_one_reminder_that_names_both(bob: Subscription, now: datetime) -> None:
    weekly = factories.newsletter("weekly", name="The Weekly")
    factories.subscription(weekly, "bob@example.com", status="pending")
    Subscription.objects.update(requested_at=now)

    count = letters.remind_due(now=now + DAY)
    letters.send_due(Letter.objects.get(kind=Kind.REMINDER).pk, now=now + DAY)

    assert count == 1
    assert "- The Daily\n- The Weekly" in mail.outbox[-1].body


def test_after_days_without_a_worker_nobody_is_reminded(bob: Subscription, now: datetime) -> None:
    assert letters.remind_due(now=now + 4 * DAY) == 0


def test_letters_are_forgotten_after_a_month_and_those_that_are_due_are_not(
    bob: Subscription, now: datetime
) -> None:
    letters.ask(Kind.WELCOME, bob, now=now)

    early, late = (letters.forget_sent(now=now + days * DAY) for days in (30, 31))

    assert (early, late) == (0, 1)
    assert Letter.objects.get().kind == Kind.WELCOME


def test_tasks_are_thin_and_may_run_twice(bob: Subscription) -> None:
    for task in (tasks.remind, tasks.forget_sent_letters, tasks.remind, tasks.forget_sent_letters):
        task()

    assert Letter.objects.count() == 1


def waiting(newsletter: Newsletter, readers: int, *, asked_at: datetime) -> None:
    """So many were sent the mail then, and have not answered."""
    for number in range(readers):
        at = asked_at + timedelta(seconds=number)
        reader = factories.subscription(newsletter, f"r{number}@example.com", status="pending")
        Subscription.objects.filter(pk=reader.pk).update(requested_at=at)
        Letter.objects.create(
            kind=Kind.CONFIRMATION,
            subscriber=reader.subscriber,
            newsletter=newsletter,
            subscription=reader,
            asked_at=at,
            sent_at=at,
        )


def reminded() -> list[str]:
    rows = Letter.objects.filter(kind=Kind.REMINDER).order_by("pk")
    return list(rows.values_list("subscriber__email", flat=True))


def test_backlog_of_reminders_is_worked_off_in_one_run(
    daily: Newsletter, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminding, "SLICE", 3)
    waiting(daily, 11, asked_at=now - 2 * DAY)

    asked = letters.remind_due(now=now, until=now + timedelta(minutes=2))

    assert (asked, reminded()) == (11, [f"r{number}@example.com" for number in range(11)])


def test_reminders_stop_when_the_time_is_up_and_the_next_run_goes_on(
    daily: Newsletter, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminding, "SLICE", 3)
    waiting(daily, 11, asked_at=now - 2 * DAY)
    with monkeypatch.context() as patch:
        patch.setattr("django.utils.timezone.now", ticking(since=now))
        first = letters.remind_due(now=now, until=now + timedelta(seconds=3))

    second = letters.remind_due(now=now, until=now + timedelta(minutes=2))

    assert (first, second) == (6, 5)  # the second slice was begun in time, the third was not
    assert reminded() == [f"r{number}@example.com" for number in range(11)]


def test_who_confirms_while_reminders_are_asked_for_gets_none(
    daily: Newsletter, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminding, "SLICE", 1)
    waiting(daily, 2, asked_at=now - 2 * DAY)

    looked = count()

    def confirmed_meanwhile() -> datetime:
        if next(looked) == 1:
            Subscription.objects.update(status="active", confirmed_at=now)
        return now

    with monkeypatch.context() as patch:
        patch.setattr("django.utils.timezone.now", confirmed_meanwhile)
        letters.remind_due(now=now, until=now + DAY)

    assert reminded() == ["r0@example.com"]


def test_backlog_of_letters_is_forgotten_in_slices_until_the_time_is_up(
    daily: Newsletter, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thinning, "AT_ONCE", 3)
    waiting(daily, 11, asked_at=now - 40 * DAY)
    Letter.objects.filter(subscriber__email="r0@example.com").update(sent_at=None)  # was given up
    with monkeypatch.context() as patch:
        patch.setattr("django.utils.timezone.now", ticking(since=now))
        first = letters.forget_sent(now=now, until=now + timedelta(seconds=3))

    second = letters.forget_sent(now=now, until=now + timedelta(minutes=2))

    assert (first, second, Letter.objects.count()) == (6, 5, 0)
