"""A digest that is not sent costs its readers a wait, not its week; and somebody at the desk finds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from delivery import alarms, digests, epoch, planning, preflight, preparation, submission, tasks
from delivery.models import Alarm, Digest, Dispatch, Installation
from desk import home
from newsletter.models import Issue, Newsletter
from tests.delivery.digesting import HOUR, out, sent, was_due, weekly_of
from tests.delivery.people import editor

WEEK = timedelta(days=7)


@pytest.fixture
def weekly(daily: Newsletter) -> Newsletter:
    return weekly_of(daily)


@pytest.fixture
def missed(weekly: Newsletter, settings: Any) -> Issue:
    """The digest of a week ago, which told of "tides" and was due while everything stood still."""
    Digest.objects.all().delete()
    was_due(weekly, ago=settings.SEND_GRACE + HOUR)
    out(weekly, "tides", days=2)
    tasks.start_due()
    return Issue.objects.get(kind="digest")


def a_week_later() -> None:
    """As if all of it had been a week ago, and the next digest is due today."""
    for each in Digest.objects.all():
        back = {name: at - WEEK for name in ("at", "since", "settled_at") if (at := getattr(each, name))}
        Digest.objects.filter(pk=each.pk).update(week=each.week - WEEK, **back)
    for issue in Issue.objects.exclude(published_at=None):
        Issue.objects.filter(pk=issue.pk).update(published_at=issue.published_at - WEEK)
    for alarm in Alarm.objects.all():
        Alarm.objects.filter(pk=alarm.pk).update(raised_at=alarm.raised_at - WEEK)


def next_one(newsletter: Newsletter) -> Issue:
    """What is written when the digest after those is due."""
    Digest.objects.open().delete()
    was_due(newsletter, ago=timedelta(seconds=90))
    digests.look(now=timezone.now())
    return Issue.objects.filter(kind="digest").latest("pk")


def told(issue: Issue) -> list[str]:
    slugs = ["older", "tides", "bridges"]
    return [slug for slug in slugs if f"/daily/{slug}/" in issue.body]


def test_digest_that_missed_its_time_does_not_go_out_by_itself(missed: Issue) -> None:
    assert (missed.status, Dispatch.objects.count()) == ("draft", 0)
    assert Alarm.objects.get().kind == "missed"


def test_next_digest_tells_of_what_the_missed_one_told(missed: Issue, weekly: Newsletter) -> None:
    a_week_later()
    out(weekly, "bridges", days=1)

    issue = next_one(weekly)

    assert told(issue) == ["tides", "bridges"]
    assert "came out this week" not in issue.body  # not all of them did


def test_next_digest_tells_of_nothing_that_one_told_which_was_sent(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    first = sent().issue
    a_week_later()
    out(weekly, "bridges", days=1)

    issue = next_one(weekly)

    assert (told(first), told(issue)) == (["tides"], ["bridges"])
    assert "One issue came out this week." in issue.body


def test_digest_that_was_withdrawn_after_it_was_sent_is_not_told_again(weekly: Newsletter) -> None:
    """Also where the next one is sooner than in a week."""
    out(weekly, "tides", days=2)
    last = Digest.objects.get(issue=sent().issue)
    Issue.objects.filter(pk=last.issue_id).update(status="withdrawn")
    due = Digest(newsletter=weekly, at=last.at + timedelta(days=2))

    assert digests._since(due) == last.at


@pytest.mark.parametrize(("weeks", "days"), [(1, 7), (3, 21), (4, 28), (9, 28)])
def test_digest_tells_of_four_weeks_at_most(weekly: Newsletter, weeks: int, days: int) -> None:
    out(weekly, "tides", days=2)
    last = Digest.objects.get(issue=sent().issue)
    due = Digest(newsletter=weekly, at=last.at + weeks * WEEK)

    assert due.at - digests._since(due) == timedelta(days=days)


def test_frozen_installation_writes_none_and_the_next_after_it_was_accepted_tells_of_all(
    weekly: Newsletter,
) -> None:
    out(weekly, "older", days=2)
    sent()
    a_week_later()
    out(weekly, "tides", days=2)
    Digest.objects.open().delete()
    was_due(weekly, ago=timedelta(minutes=2))
    epoch.may_send()
    epoch.freeze("A backup was restored.")

    tasks.start_due()
    during = Issue.objects.filter(kind="digest").count()
    epoch.accept()
    tasks.start_due()
    after = Issue.objects.filter(kind="digest").count()

    assert Installation.objects.get().frozen_since is None
    assert (during, after) == (1, 1)
    assert Digest.objects.open().get().at > timezone.now()
    a_week_later()
    out(weekly, "bridges", days=1)
    assert told(next_one(weekly)) == ["tides", "bridges"]


def test_day_that_is_moved_loses_no_issue(weekly: Newsletter) -> None:
    """From Monday to Sunday: that week has had its digest, so the next is that of the Sunday after, in 13 days."""
    out(weekly, "tides", days=2)
    last = Digest.objects.get(issue=sent().issue)
    due = Digest(newsletter=weekly, at=last.at + timedelta(days=13))

    assert digests._since(due) == last.at


def test_missed_digest_needs_somebody_until_a_later_one_was_sent(missed: Issue, weekly: Newsletter) -> None:
    a_week_later()
    out(weekly, "bridges", days=1)
    alarms.watch()
    before = list(Alarm.objects.open().values_list("kind", "issue"))
    issue = next_one(weekly)
    alarms.watch()
    written = list(Alarm.objects.open().values_list("kind", "issue"))

    tasks.start_due()
    alarms.watch()

    assert Dispatch.objects.get().issue == issue
    assert before == written == [("missed", missed.pk)]
    assert not Alarm.objects.open().exists()


def test_desk_leads_to_a_digest_that_was_not_sent(missed: Issue) -> None:
    a_week_later()
    alarms.watch()
    browser = editor()

    desk, issues = home.home(User.objects.get()), browser.get("/admin/newsletter/issue/").text

    assert [each.issue for each in desk.alarms] == [missed]
    assert f"/admin/newsletter/issue/{missed.pk}/change/" in browser.get("/admin/").text
    assert f"/admin/newsletter/issue/{missed.pk}/change/" in issues


def told_twice(issue: Issue) -> list[str]:
    return [each.text for each in preflight.report(issue).warnings if each.code == "told_twice"]


def test_missed_digest_warns_that_a_later_one_has_told_its_news(missed: Issue, weekly: Newsletter) -> None:
    a_week_later()
    out(weekly, "bridges", days=1)
    before = told_twice(missed)
    next_one(weekly)
    written = told_twice(missed)
    dispatch = sent_of(weekly)
    (warning,) = told_twice(missed)

    day = timezone.localtime(Digest.objects.get(issue=dispatch.issue).at)
    assert (before, written) == ([], [])
    assert warning == (
        f"The digest of {day.day} {day:%B} has told of these issues since: its readers would get the same news twice."
        " Delete this one, unless that is what you want."
    )
    assert told_twice(dispatch.issue) == []


def test_missed_digest_of_other_news_than_the_next_warns_of_nothing(
    missed: Issue, weekly: Newsletter
) -> None:
    a_week_later()
    out(weekly, "bridges", days=1)
    later = next_one(weekly)
    sent_of(weekly)

    Digest.objects.filter(issue=later).update(since=Digest.objects.get(issue=missed).at)

    assert told_twice(missed) == []


def sent_of(newsletter: Newsletter) -> Dispatch:
    """The latest digest goes out as any issue does."""
    issue = Issue.objects.filter(newsletter=newsletter, kind="digest").latest("pk")
    dispatch = preparation.start(issue, plan=planning.approved(issue))
    preparation.prepare(dispatch.pk)
    submission.send_for(dispatch.pk, seconds=5)
    dispatch.refresh_from_db()
    return dispatch
