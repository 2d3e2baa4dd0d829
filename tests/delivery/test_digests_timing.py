from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from delivery import digests, tasks
from delivery.models import Digest, Dispatch, Plan
from newsletter import digest
from newsletter.models import Issue, Newsletter
from tests import factories
from tests.delivery.digesting import HOUR, look, out, was_due, weekly_of


@pytest.fixture
def weekly(daily: Newsletter) -> Newsletter:
    return weekly_of(daily)


def test_two_beats_make_one_digest(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    due = Digest.objects.get()

    digests.look(now=timezone.now())
    again = digests._settle(due)
    digests.look(now=timezone.now())
    tasks.start_due()
    tasks.start_due()

    assert again is False
    assert Issue.objects.filter(kind="digest").count() == 1
    assert Dispatch.objects.count() == 1


def look_in_a_thread(_number: int) -> None:
    try:
        tasks.start_due()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_the_same_moment_make_one_digest() -> None:
    daily = factories.newsletter()
    factories.subscription(daily, "digest@example.com", frequency="weekly")
    out(daily, "tides", days=2)
    was_due(daily, ago=timedelta(minutes=1))

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(look_in_a_thread, range(8)))
    tasks.start_due()  # whatever a busy database refused

    assert (Issue.objects.filter(kind="digest").count(), Dispatch.objects.count()) == (1, 1)
    assert Digest.objects.open().count() == 1


def test_database_refuses_a_second_digest_of_a_week(weekly: Newsletter) -> None:
    found = Digest.objects.get()
    given = {"at": found.at, "since": found.at, "settled_at": found.at}

    with pytest.raises(IntegrityError, match=r"one_digest_a_week|delivery_digest"), transaction.atomic():
        Digest.objects.create(newsletter=weekly, week=found.week, **given)


def test_next_one_is_planned_for_the_week_after(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    first = Digest.objects.get()

    digests.look(now=timezone.now())
    digests.look(now=timezone.now())

    following = Digest.objects.open().get()
    assert (following.at - first.at, following.week - first.week) == (timedelta(days=7), timedelta(days=7))


def test_settings_that_were_just_changed_make_no_digest_of_the_past(daily: Newsletter) -> None:
    factories.subscription(daily, "digest@example.com", frequency="weekly")
    out(daily, "tides", days=2)
    yesterday = timezone.now() - timedelta(days=1)
    daily.digest_day, daily.digest_time = yesterday.weekday(), yesterday.time().replace(microsecond=0)
    daily.save()

    digests.look(now=timezone.now())
    first = Digest.objects.get().at
    daily.digest_time = (timezone.now() - HOUR).time().replace(microsecond=0)
    daily.digest_day = (timezone.now() - HOUR).weekday()
    daily.save()
    digests.look(now=timezone.now())

    assert not Issue.objects.filter(kind="digest").exists()
    assert first > timezone.now()
    assert Digest.objects.get().at > timezone.now()


def test_digest_that_is_wanted_no_more_is_planned_no_more(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    weekly.digest_day = None
    weekly.save()

    assert look() is None
    assert not Digest.objects.exists()


@pytest.mark.parametrize("at", ["_told", "_scheduled"])
def test_worker_that_dies_while_it_writes_leaves_it_to_the_next(
    weekly: Newsletter, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    out(weekly, "tides", days=2)

    def die(*_args: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(digests, at, die)
        with pytest.raises(SystemExit):
            digests.look(now=timezone.now())

    assert look() is not None
    assert Plan.objects.count() == 1


def test_reader_is_told_the_next_weeks_day_once_this_week_has_had_its_digest(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    tomorrow = timezone.now() + timedelta(days=1)
    weekly.digest_day, weekly.digest_time = tomorrow.weekday(), time(9)
    weekly.save()
    row = {"settled_at": timezone.now(), "since": timezone.now() - timedelta(days=7)}
    Digest.objects.update(week=digests._monday(weekly, tomorrow), **row)

    said = digests.next_day(weekly)
    digests.look(now=timezone.now())

    planned = Digest.objects.get(settled_at=None).at
    assert planned.date() == tomorrow.date() + timedelta(days=7)
    assert said == digests.next_day(weekly) == f"{planned:%A}, {planned.day} {planned:%B %Y}"


def test_digest_is_due_by_the_newsletters_clock() -> None:
    newsletter = Newsletter(digest_day=5, digest_time=time(9), time_zone="Europe/Berlin")
    friday = datetime(2026, 3, 27, 12, tzinfo=UTC)
    after = digest.upcoming(newsletter, after=friday)

    found = [after, digest.upcoming(newsletter, after=after)]

    assert found == [datetime(2026, 3, 28, 8, tzinfo=UTC), datetime(2026, 4, 4, 7, tzinfo=UTC)]
    assert digests._monday(newsletter, after) == date(2026, 3, 23)


def test_digest_at_an_hour_that_does_not_come_is_due_after_it() -> None:
    newsletter = Newsletter(digest_day=6, digest_time=time(2, 30), time_zone="Europe/Berlin")

    found = digest.upcoming(newsletter, after=datetime(2026, 3, 28, 12, tzinfo=UTC))

    assert found == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_week_without_issues_has_no_digest_and_is_logged_once(
    weekly: Newsletter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    digests.look(now=timezone.now())
    digests.look(now=timezone.now())

    assert not Issue.objects.exists()
    assert sum("nothing came out" in record.message for record in caplog.records) == 1


def test_digest_waits_a_minute_for_what_came_out_at_the_last_moment(weekly: Newsletter) -> None:
    Digest.objects.all().delete()
    due = was_due(weekly, ago=timedelta(seconds=45))
    out(weekly, "tides", days=2)

    early = look()
    Digest.objects.filter(pk=due.pk).update(at=due.at - timedelta(seconds=30))
    Newsletter.objects.update(digest_time=(due.at - timedelta(seconds=30)).time())

    assert (early, look() is not None) == (None, True)


@pytest.mark.parametrize("step", ["_plan", "_told"])
def test_digest_that_fails_keeps_no_other_back(
    weekly: Newsletter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    other = factories.newsletter("other", name="The Other")
    factories.subscription(other, "other@example.com", frequency="weekly")
    out(weekly, "tides", days=2)
    out(other, "bridges", days=2)
    was_due(other, ago=timedelta(minutes=1))
    real = getattr(digests, step)

    def fail(of: object, *given: object, **named: object) -> object:
        if weekly in (of, getattr(of, "newsletter", None)):
            raise ValueError(step)
        return real(of, *given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(digests, step, fail)
        digests.look(now=timezone.now())
    written = list(Issue.objects.filter(kind="digest").values_list("newsletter__slug", flat=True))
    digests.look(now=timezone.now())

    assert "other" in written
    assert f"Newsletter {weekly.pk}: its weekly digest could not be seen to." in caplog.messages
    assert Issue.objects.filter(kind="digest").count() == 2  # at the next look
