from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from newsletter import usual_times
from newsletter.models import Newsletter, UsualTime
from tests import factories

FRIDAY_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def usual(newsletter: Newsletter, at: str, days: int = 0b0011111) -> UsualTime:
    return UsualTime.objects.create(newsletter=newsletter, time=time.fromisoformat(at), days=days)


def shown(newsletter: Newsletter, after: datetime, count: int = 3) -> list[str]:
    return [
        f"{found.at:%a %d %b %H:%M}" for found in usual_times.upcoming(newsletter, after=after, count=count)
    ]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0b1111111, "every day 06:30"),
        (0b0011111, "weekdays 06:30"),
        (0b1100000, "weekends 06:30"),
        (0b0000001, "Mondays 06:30"),
        (0b0001001, "Mondays and Thursdays 06:30"),
        (0b1001001, "Mondays, Thursdays and Sundays 06:30"),
    ],
)
def test_usual_time_in_words(days: int, words: str) -> None:
    assert UsualTime(days=days, time=time(6, 30)).in_words == words


def test_next_times_are_by_the_newsletters_clock_and_days(db: None) -> None:
    daily = factories.newsletter(time_zone="America/New_York")
    usual(daily, "06:30")
    usual(daily, "18:00", days=0b1000000)

    assert shown(daily, FRIDAY_NOON) == ["Sun 22 Nov 23:00", "Mon 23 Nov 11:30", "Tue 24 Nov 11:30"]


def test_time_of_this_very_moment_is_over(daily: Newsletter) -> None:
    usual(daily, "12:00", days=0b1111111)

    assert shown(daily, FRIDAY_NOON, count=1) == ["Sat 21 Nov 12:00"]


def test_time_with_a_scheduled_issue_is_taken(daily: Newsletter) -> None:
    usual(daily, "06:30")
    monday, tuesday = (datetime(2026, 11, day, 6, 30, tzinfo=UTC) for day in (23, 24))
    factories.issue(daily, status="scheduled", scheduled_at=monday)
    factories.issue(factories.newsletter("weekly"), status="scheduled", scheduled_at=tuesday)

    assert shown(daily, FRIDAY_NOON) == ["Tue 24 Nov 06:30", "Wed 25 Nov 06:30", "Thu 26 Nov 06:30"]


def test_times_that_clocks_skip_are_one_moment_with_a_note(db: None) -> None:
    daily = factories.newsletter(time_zone="Europe/Berlin")
    for at in ("02:15", "02:45", "03:00"):
        usual(daily, at, days=0b1000000)

    first, second = usual_times.upcoming(daily, after=datetime(2026, 3, 28, 12, tzinfo=UTC), count=2)

    assert f"{first.at:%d %b %H:%M}" == "29 Mar 01:00"
    assert f"{second.at:%d %b %H:%M}" == "05 Apr 00:15"


def test_time_that_clocks_show_twice_comes_once(db: None) -> None:
    daily = factories.newsletter(time_zone="Europe/Berlin")
    usual(daily, "02:30", days=0b1000000)

    first, second = usual_times.upcoming(daily, after=datetime(2026, 10, 24, 12, tzinfo=UTC), count=2)

    assert (f"{first.at:%d %b %H:%M}", f"{second.at:%d %b %H:%M}") == ("25 Oct 00:30", "01 Nov 01:30")
    assert "02:30 comes twice" in first.note


def test_without_usual_times_there_are_none(daily: Newsletter) -> None:
    assert usual_times.upcoming(daily) == []
