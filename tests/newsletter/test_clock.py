# ruff: noqa: DTZ001, DTZ007 -- what a clock on the wall shows has no zone
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.clock import Moment, moment

ZONES = [
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Africa/Casablanca",  # around Ramadan, the other way round
    "Asia/Kathmandu",  # a quarter of an hour off, and never changes
    "America/St_Johns",
    "Pacific/Apia",  # left out a whole day
    "UTC",
]


def wall(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M")


def at(text: str) -> datetime:
    return wall(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "written", "meant"),
    [
        ("Europe/London", "2026-11-24 06:30", "2026-11-24 06:30"),
        ("Europe/London", "2026-07-24 06:30", "2026-07-24 05:30"),
        ("America/New_York", "2026-11-24 06:30", "2026-11-24 11:30"),
        ("Asia/Kathmandu", "2026-11-24 06:30", "2026-11-24 00:45"),
        # The minute before a change, and the first after it.
        ("Europe/London", "2026-03-29 00:59", "2026-03-29 00:59"),
        ("Europe/London", "2026-03-29 02:00", "2026-03-29 01:00"),
        ("Europe/London", "2026-10-25 00:59", "2026-10-24 23:59"),
        ("Europe/London", "2026-10-25 02:00", "2026-10-25 02:00"),
    ],
)
def test_plain_time_is_what_the_clock_shows(zone: str, written: str, meant: str) -> None:
    assert moment(wall(written), zone=zone) == Moment(at(meant))


@pytest.mark.parametrize(
    ("zone", "written", "meant", "shown"),
    [
        ("Europe/London", "2026-03-29 01:30", "2026-03-29 01:00", "02:00"),
        ("America/New_York", "2026-03-08 02:00", "2026-03-08 07:00", "03:00"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:30", "02:30"),
        ("Africa/Casablanca", "2026-03-22 02:59", "2026-03-22 02:00", "03:00"),
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00", "00:00"),
    ],
)
def test_time_that_never_comes_is_the_first_after_the_gap(
    zone: str, written: str, meant: str, shown: str
) -> None:
    found = moment(wall(written), zone=zone)

    day = f"{wall(written):%-d %B %Y}"
    assert found == Moment(
        at(meant),
        f"On {day} the clocks in {zone} go forward, and {written[-5:]} does not come: it goes out at {shown}.",
    )


@pytest.mark.parametrize(
    ("zone", "written", "meant"),
    [
        ("Europe/London", "2026-10-25 01:30", "2026-10-25 00:30"),
        ("America/New_York", "2026-11-01 01:00", "2026-11-01 05:00"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45"),
        ("Africa/Casablanca", "2026-02-15 02:30", "2026-02-15 01:30"),
    ],
)
def test_time_that_comes_twice_is_the_first(zone: str, written: str, meant: str) -> None:
    found = moment(wall(written), zone=zone)

    day = f"{wall(written):%-d %B %Y}"
    assert found == Moment(
        at(meant),
        f"On {day} the clocks in {zone} go back, and {written[-5:]} comes twice: it goes out the first time.",
    )


times = st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31))
lately = st.datetimes(min_value=datetime(2010, 1, 1), max_value=datetime(2037, 12, 31))


@given(local=times | lately, zone=st.timezone_keys(allow_prefix=False) | st.sampled_from(ZONES))
def test_moment_shows_what_was_written_unless_the_clocks_skip_it(local: datetime, zone: str) -> None:
    found = moment(local, zone=zone)

    shown = found.at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    just_before = (found.at - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert found.at.utcoffset() == timedelta()
    if shown == local:
        assert ("go forward" in found.note) is False
    else:
        assert just_before < local < shown
        assert "go forward" in found.note


@pytest.mark.parametrize("zone", ZONES)
def test_every_quarter_of_an_hour_of_a_year_comes_out_in_order(zone: str) -> None:
    """Whatever rule applies, who is scheduled earlier goes out no later."""
    begin = datetime(2026, 1, 1)
    moments = [moment(begin + timedelta(minutes=15) * each, zone=zone) for each in range(365 * 96)]

    times = [found.at for found in moments]
    odd_hours = sum(bool(found.note) for found in moments) / 4
    assert times == sorted(times)
    assert odd_hours == {"Australia/Lord_Howe": 1.0, "Asia/Kathmandu": 0, "Pacific/Apia": 0, "UTC": 0}.get(
        zone, 2.0
    )
