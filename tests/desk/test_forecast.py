from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from delivery.models import Attempt, Batch, Dispatch, MailerState, SendingDomain
from desk.forecast import forecast
from newsletter.models import Newsletter
from tests import factories

BEGIN = datetime(2126, 11, 24, 6, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def sent(newsletter: Newsletter, *, readers: int, seconds: float, slug: str = "old") -> Dispatch:
    began = BEGIN - 2 * DAY
    return Dispatch.objects.create(
        issue=factories.issue(newsletter, slug),
        state=Dispatch.State.SENT,
        mailer="bulk",
        batch_size=500,
        audience_size=readers,
        subject="",
        sender="",
        html="",
        text="",
        content_hash="",
        started_at=began,
        finished_at=began + timedelta(seconds=seconds),
    )


def handed_over(dispatch: Dispatch, *, readers: int, at: datetime) -> None:
    batch = Batch.objects.create(dispatch=dispatch, number=1, state=Batch.State.DONE)
    attempt = Attempt.objects.create(
        batch=batch, fence=1, mailer="bulk", domain="daily.example", readers=readers
    )
    Attempt.objects.filter(pk=attempt.pk).update(started_at=at)


def allow(settings, **hand_over: int) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun", **hand_over}}


def test_nothing_is_said_before_anything_has_gone_out(daily: Newsletter) -> None:
    found = forecast(daily, readers=114_032, begin=BEGIN)

    assert (found.mailer, found.finish, found.reason) == ("the local outbox", None, "")


def test_speed_is_that_of_the_largest_of_the_last(daily: Newsletter, settings) -> None:
    allow(settings)
    sent(daily, readers=100_000, seconds=200)
    sent(daily, readers=10, seconds=5, slug="small")

    found = forecast(daily, readers=114_032, begin=BEGIN)

    assert (found.mailer, found.finish) == ("Mailgun", BEGIN + timedelta(minutes=4))


def test_what_was_much_smaller_says_nothing(daily: Newsletter) -> None:
    sent(daily, readers=10, seconds=5)

    assert forecast(daily, readers=114_032, begin=BEGIN).finish is None


def test_pace_that_the_mailer_is_given_counts_where_it_is_slower(daily: Newsletter, settings) -> None:
    sent(daily, readers=100_000, seconds=100)
    allow(settings, per_second=100)

    assert forecast(daily, readers=60_000, begin=BEGIN).finish == BEGIN + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("readers", "used", "finish"),
    [
        (50_000, 0, BEGIN + timedelta(minutes=9)),
        (60_000, 0, BEGIN + DAY + timedelta(minutes=2)),
        (160_000, 0, BEGIN + 3 * DAY + timedelta(minutes=2)),
        # What went out eight hours before counts no more sixteen hours later.
        (60_000, 20_000, BEGIN + 16 * HOUR + timedelta(minutes=5)),
    ],
)
def test_allowance_of_a_day_that_is_not_enough(
    daily: Newsletter, settings, readers: int, used: int, finish: datetime
) -> None:
    allow(settings, per_day=50_000)
    dispatch = sent(daily, readers=100_000, seconds=1000)
    if used:
        handed_over(dispatch, readers=used, at=BEGIN - 8 * HOUR)

    found = forecast(daily, readers=readers, begin=BEGIN)

    assert found.finish == finish
    is_enough = readers + used <= 50_000
    assert found.reason == ("" if is_enough else "At most 50,000 readers a day go through Mailgun")


def test_what_other_issues_are_planned_to_take_counts(daily: Newsletter, settings) -> None:
    allow(settings, per_hour=1000)
    sent(daily, readers=1000, seconds=10)
    plan = factories.scheduled(factories.issue(daily, "before"), at=BEGIN - HOUR / 2)
    type(plan).objects.update(readers=800)

    found = forecast(daily, readers=500, begin=BEGIN)

    assert found.finish == BEGIN + HOUR / 2 + timedelta(minutes=1)


def test_domain_that_is_warmed_up_takes_more_from_day_to_day(daily: Newsletter) -> None:
    sent(daily, readers=1000, seconds=10)
    SendingDomain.objects.create(domain="daily.example", warm_up_from=date(2126, 11, 24), first_day=200)

    found = forecast(daily, readers=200 + 236 + 278, begin=BEGIN)

    assert found.finish == BEGIN + 2 * DAY + timedelta(minutes=1)
    assert found.reason == "daily.example is being warmed up, with 200 readers a day at first"


def test_mailer_that_does_not_work_gives_way_to_the_second(daily: Newsletter, settings) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun"}, "fallback": {"scheme": "postmark"}}
    MailerState.objects.create(alias="bulk", broken_since=BEGIN, reason="401")

    assert forecast(daily, readers=10, begin=BEGIN).mailer == "Postmark (the second mailer)"


def test_forecast_never_counts_readers(daily: Newsletter, settings, django_assert_num_queries) -> None:
    allow(settings, per_day=50_000, per_hour=10_000)
    sent(daily, readers=100_000, seconds=1000)

    with django_assert_num_queries(
        6
    ):  # last dispatches, warm-up, plans, what goes out now, a sum for each window
        forecast(daily, readers=60_000, begin=BEGIN)
