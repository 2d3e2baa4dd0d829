"""How long so many readers take, by what a mailer and a domain may send; what others take first counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from delivery import allowances, preflight, preparation
from delivery.allowances import DAY, HOUR
from delivery.models import MailerState, Plan, SendingDomain
from desk.forecast import forecast
from newsletter.models import Issue, Newsletter
from tests import factories

BEGIN = datetime(2126, 11, 24, 6, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def a_thousand_a_day(settings, db: None) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "outbox", "per_day": 1000}}


def planned(newsletter: Newsletter, slug: str, *, readers: int, at: datetime) -> Issue:
    issue = factories.issue(newsletter, slug)
    plan = factories.scheduled(issue, at=at)
    Plan.objects.filter(pk=plan.pk).update(readers=readers)
    return issue


def held(readers: int, *, but_for: Issue | None = None, begin: datetime = BEGIN) -> timedelta:
    found = allowances.hold(readers, alias="bulk", domain="daily.example", begin=begin, but_for=but_for)
    return found.until - begin


@pytest.mark.parametrize(
    ("at", "waits"),
    [
        (BEGIN - 2 * HOUR, DAY - 2 * HOUR),
        (BEGIN, DAY),
        (BEGIN - DAY, timedelta()),
        (BEGIN + HOUR, timedelta()),
    ],
    ids=["before", "at the same time", "a day before", "after"],
)
def test_issues_that_share_a_day_share_its_allowance(
    daily: Newsletter, at: datetime, waits: timedelta
) -> None:
    planned(daily, "other", readers=800, at=at)

    assert held(300) == waits


def test_issue_that_is_moved_does_not_wait_for_itself(daily: Newsletter) -> None:
    issue = planned(daily, "moved", readers=800, at=BEGIN - HOUR)

    assert (held(800, but_for=issue), held(800)) == (timedelta(), DAY - HOUR)


def test_what_is_asked_for_and_not_approved_takes_nothing(daily: Newsletter) -> None:
    planned(daily, "asked", readers=800, at=BEGIN - HOUR)
    Plan.objects.update(approved_at=None)

    assert held(800) == timedelta()


def test_warm_up_is_shared_by_those_who_send_from_the_domain(daily: Newsletter, settings) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun"}}
    SendingDomain.objects.create(domain="Daily.example", warm_up_from=date(2126, 11, 24), first_day=200)
    weekly = factories.newsletter("weekly", sender_email="editors@weekly.example")
    planned(weekly, "elsewhere", readers=150, at=BEGIN - HOUR)
    alone = held(200)
    planned(
        factories.newsletter("evening", sender_email="eve@DAILY.example"),
        "same",
        readers=150,
        at=BEGIN - HOUR,
    )

    assert (alone, held(200)) == (timedelta(), DAY - HOUR)


def test_what_goes_out_now_takes_what_it_still_needs(daily: Newsletter) -> None:
    factories.readers(daily, 900)
    preparation.prepare(preparation.start(factories.issue(daily, "running")).pk)

    soon = held(300, begin=timezone.now() + timedelta(minutes=1))

    assert DAY - timedelta(minutes=2) < soon <= DAY


def test_checks_and_forecast_say_the_same_of_a_shared_day(daily: Newsletter) -> None:
    factories.readers(daily, 300)
    daily.refresh_from_db()
    planned(daily, "other", readers=800, at=BEGIN - 2 * HOUR)
    issue = factories.issue(daily)

    [said] = [each for each in preflight.report(issue, BEGIN).open if each.code == "allowance"]
    expected = forecast(daily, readers=300, begin=BEGIN, but_for=issue)

    assert said.text.startswith(f"{expected.reason}. With 300 readers, the last gets it 22 hours after")
    assert expected.finish == BEGIN + 22 * HOUR


def test_acceptance_of_an_allowance_outlasts_the_minutes_until_it_is_sent(
    daily: Newsletter, settings
) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "outbox", "per_hour": 1000}}
    factories.readers(daily, 300)
    daily.refresh_from_db()
    planned(daily, "other", readers=800, at=BEGIN - timedelta(minutes=20))
    issue = factories.issue(daily)

    now, soon = (
        next(each for each in preflight.report(issue, at).open if each.code == "allowance")
        for at in (BEGIN, BEGIN + timedelta(minutes=3))
    )

    assert "40 minutes after" in now.text
    assert "37 minutes after" in soon.text
    assert now.mark == soon.mark


def test_checks_are_of_the_mailer_that_is_in_use(daily: Newsletter, settings) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "outbox"}, "fallback": {"scheme": "outbox", "per_hour": 100}}
    settings.MAILERS = {**settings.MAILERS, "fallback": settings.MAILERS["bulk"]}
    MailerState.objects.create(alias="bulk", broken_since=timezone.now(), reason="401")
    factories.readers(daily, 300)
    daily.refresh_from_db()

    codes = {each.code for each in preflight.report(factories.issue(daily), BEGIN).open}

    assert "allowance" in codes


def test_allowance_that_never_suffices_ends_somewhere(db: None, settings) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun", "per_hour": 1}}

    assert held(1_000_000) == allowances.LONGEST
