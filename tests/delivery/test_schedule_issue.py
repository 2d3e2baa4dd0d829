from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from newsletter.models import Issue, Newsletter
from tests import factories

NEXT_YEAR = timezone.now().year + 1


@pytest.fixture
def issue(db: None) -> Issue:
    daily = factories.newsletter(time_zone="America/New_York")
    factories.cast(daily)
    return factories.issue(daily)


def last_sunday_of_october(year: int) -> str:
    last = datetime(year, 10, 31, tzinfo=UTC)
    return f"{last - timedelta(days=(last.weekday() + 1) % 7):%Y-%m-%d}"


def test_time_is_by_the_newsletters_own_clock(issue: Issue, capsys) -> None:
    call_command("schedule_issue", "daily", "tides", f"{NEXT_YEAR}-01-12 06:30")

    issue.refresh_from_db()
    assert (issue.status, issue.scheduled_at) == ("scheduled", datetime(NEXT_YEAR, 1, 12, 11, 30, tzinfo=UTC))
    assert capsys.readouterr().out == f"daily/tides goes out at {NEXT_YEAR}-01-12 06:30 (America/New_York).\n"


def test_rule_for_the_night_in_which_clocks_change_is_said(issue: Issue, capsys) -> None:
    Newsletter.objects.update(time_zone="Europe/London")
    day = last_sunday_of_october(NEXT_YEAR)

    call_command("schedule_issue", "daily", "tides", f"{day} 01:30")

    issue.refresh_from_db()
    note, line = capsys.readouterr().out.splitlines()
    assert issue.scheduled_at == datetime.fromisoformat(f"{day} 00:30+00:00")
    assert note.endswith("go back, and 01:30 comes twice: it goes out the first time.")
    assert line == f"daily/tides goes out at {day} 01:30 (Europe/London)."


def test_cancel_makes_it_a_draft_again(issue: Issue, capsys) -> None:
    call_command("schedule_issue", "daily", "tides", f"{NEXT_YEAR}-01-12 06:30")
    call_command("schedule_issue", "daily", "tides", "--cancel")

    issue.refresh_from_db()
    assert (issue.status, issue.scheduled_at) == ("draft", None)
    assert capsys.readouterr().out.endswith("daily/tides is a draft again.\n")


def test_time_that_has_passed_is_refused_with_the_time_it_is_there(issue: Issue) -> None:
    here = timezone.now().astimezone(ZoneInfo("America/New_York"))
    passed = f"{here - timedelta(minutes=1):%Y-%m-%d %H:%M}"

    with pytest.raises(CommandError) as refused:
        call_command("schedule_issue", "daily", "tides", passed)

    issue.refresh_from_db()
    assert issue.status == "draft"
    assert str(refused.value).startswith(f"{passed} has passed: in America/New_York it is {here:%Y-%m-%d %H}")


@pytest.mark.parametrize(
    "written", ["tomorrow", "2026-11-24", "2026-11-31 06:30", "9999-12-31 23:59", "0001-01-01 00:00"]
)
def test_time_that_cannot_be_read_is_refused(issue: Issue, written: str) -> None:
    Newsletter.objects.update(time_zone="Asia/Kathmandu" if written.startswith("0") else "America/New_York")

    with pytest.raises(CommandError) as refused:
        call_command("schedule_issue", "daily", "tides", written)

    assert str(refused.value) == f'{written!r} is no time like "2026-11-24 06:30".'


def test_what_cannot_be_sent_cannot_be_scheduled(draft: Issue) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("schedule_issue", "daily", "tides", f"{NEXT_YEAR}-01-12 06:30")

    assert str(refused.value) == "The newsletter has no confirmed readers yet. Nothing was scheduled."


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        ("draft", ["--cancel"], "daily/tides is not scheduled. Nothing was changed."),
        ("sent", ["--cancel"], "daily/tides has been sent. Nothing was changed."),
        ("sent", [f"{NEXT_YEAR}-01-12 06:30"], "daily/tides has been sent. Nothing was changed."),
        (
            "scheduled",
            [f"{NEXT_YEAR}-01-12 06:30"],
            "daily/tides is scheduled already, for 2030-01-01 07:00 (America/New_York) (--cancel makes it a draft). "
            "Nothing was changed.",
        ),
        ("draft", [], 'Give either a time, like "2026-11-24 06:30", or --cancel.'),
        ("draft", ["now", "--cancel"], 'Give either a time, like "2026-11-24 06:30", or --cancel.'),
    ],
)
def test_what_does_not_fit_is_said_and_changes_nothing(
    issue: Issue, status: str, words: list[str], expected: str
) -> None:
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    Issue.objects.update(status=status, scheduled_at=noon, published_at=noon)

    with pytest.raises(CommandError) as refused:
        call_command("schedule_issue", "daily", "tides", *words)

    issue.refresh_from_db()
    assert (str(refused.value), issue.status, issue.scheduled_at) == (expected, status, noon)


def test_unknown_issue_is_told_from_those_that_could_be_meant(issue: Issue) -> None:
    with pytest.raises(CommandError) as no_draft:
        call_command("schedule_issue", "daily", "tide", f"{NEXT_YEAR}-01-12 06:30")
    with pytest.raises(CommandError) as none_scheduled:
        call_command("schedule_issue", "daily", "tide", "--cancel")

    assert str(no_draft.value) == "daily has no issue 'tide'. Drafts: tides."
    assert str(none_scheduled.value) == "daily has no issue 'tide'. Scheduled: none."
