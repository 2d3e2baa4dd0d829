from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from delivery import digests, epoch, preparation, progress, submission, tasks
from delivery.models import Alarm, Digest, Dispatch, Installation, Plan
from desk import home
from newsletter.digest import shortened
from newsletter.models import Issue, Newsletter
from subscribers import counting
from subscribers.models import Subscription
from tests import factories
from tests.delivery.people import editor

HOUR = timedelta(hours=1)


@pytest.fixture
def weekly(daily: Newsletter) -> Newsletter:
    """Its digest was due a minute ago. One reader wants it, one wants every issue."""
    factories.subscription(daily, "digest@example.com", frequency="weekly")
    factories.subscription(daily, "every@example.com")
    counting.refresh()
    daily.refresh_from_db()
    was_due(daily, ago=timedelta(minutes=1))
    return daily


def was_due(newsletter: Newsletter, *, ago: timedelta) -> Digest:
    """As if it had been planned a week ago for that moment."""
    at = (timezone.now() - ago).replace(microsecond=0)
    newsletter.digest_day, newsletter.digest_time = at.weekday(), at.time()
    newsletter.save()
    return Digest.objects.create(newsletter=newsletter, at=at, week=at.date() - timedelta(days=at.weekday()))


def out(newsletter: Newsletter, slug: str, *, days: float, **fields: object) -> Issue:
    """An issue that came out so many days ago."""
    at = timezone.now() - timedelta(days=days)
    given = {"subject": f"About {slug}", "preheader": f"More on {slug}", "status": "sent", "published_at": at}
    return factories.issue(newsletter, slug, **given | fields)


def look() -> Issue | None:
    digests.look(now=timezone.now())
    return Issue.objects.filter(kind="digest").first()


def sent() -> Dispatch:
    """As beat and the workers do it."""
    tasks.start_due()
    dispatch = Dispatch.objects.get(issue__kind="digest")
    preparation.prepare(dispatch.pk)
    submission.send_for(dispatch.pk, seconds=5)
    dispatch.refresh_from_db()
    return dispatch


def test_digest_tells_of_the_week_the_newest_first(weekly: Newsletter) -> None:
    out(weekly, "older", days=5)
    out(weekly, "newest", days=1, subject="Tom & Jerry <go> home")
    out(weekly, "long-ago", days=9)
    factories.issue(weekly, "draft")

    issue = look()

    assert issue
    assert issue.subject == "The week in The Daily: Tom & Jerry <go> home"
    assert (issue.preheader, issue.status, issue.visibility) == ("About older", "scheduled", "unlisted")
    assert '<p class="lead">2 issues came out this week.</p>' in issue.body
    first, second = (
        issue.body.index('<a href="/daily/newest/">'),
        issue.body.index('<a href="/daily/older/">'),
    )
    assert first < second
    assert "Tom &amp; Jerry &lt;go&gt; home" in issue.body
    assert ("long-ago" in issue.body, "/draft/" in issue.body) == (False, False)


def test_digest_goes_through_the_ledger_to_its_own_readers(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)

    dispatch = sent()

    rows = dispatch.deliveries.values_list("subscription__subscriber__email", "state")
    assert list(rows) == [("digest@example.com", "accepted")]
    assert (dispatch.state, dispatch.readers, progress.balance(dispatch).adds_up) == ("sent", 1, True)
    assert "http" in dispatch.text
    assert "/daily/tides/" in dispatch.html
    assert dispatch.issue.get_absolute_url() in dispatch.html  # "Read on the web"


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


def test_next_digest_tells_of_what_came_out_since_the_last(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    issue = look()
    Issue.objects.filter(pk=issue.pk if issue else 0).update(status="sent", published_at=timezone.now())
    last = Digest.objects.get(issue=issue)
    due = Digest(newsletter=weekly, at=last.at + timedelta(days=7))

    assert digests._since(due) == last.at
    due.at += timedelta(days=14)
    assert digests._since(due) == due.at - timedelta(days=8)


def test_week_without_issues_has_no_digest_and_is_logged_once(
    weekly: Newsletter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    digests.look(now=timezone.now())
    digests.look(now=timezone.now())

    assert not Issue.objects.exists()
    assert sum("nothing came out" in record.message for record in caplog.records) == 1


def test_digest_that_nobody_wants_is_not_written(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    Subscription.objects.update(frequency="every")

    assert look() is None
    assert Digest.objects.exclude(settled_at=None).count() == 1


def test_digest_needs_no_second_person(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    weekly.needs_second_person = True
    weekly.save()

    assert sent().state == "sent"


def test_digest_that_somebody_edited_needs_an_approval_like_any_issue(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    weekly.needs_second_person = True
    weekly.save()
    issue = look()
    Issue.objects.filter(pk=issue.pk if issue else 0).update(edited_by=User.objects.create_superuser("ada"))

    tasks.start_due()

    assert (Dispatch.objects.count(), Alarm.objects.get().kind) == (0, "refused")


def test_digest_that_missed_its_time_does_not_go_out_by_itself(weekly: Newsletter, settings: Any) -> None:
    Digest.objects.all().delete()
    was_due(weekly, ago=settings.SEND_GRACE + HOUR)
    out(weekly, "tides", days=2)

    tasks.start_due()

    issue = Issue.objects.get(kind="digest")
    assert (issue.status, Dispatch.objects.count()) == ("draft", 0)
    assert Alarm.objects.get().kind == "missed"


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


def test_frozen_installation_writes_none_and_an_accepted_one_leaves_this_week_out(
    weekly: Newsletter, settings: Any
) -> None:
    out(weekly, "tides", days=2)
    epoch.may_send()
    epoch.freeze("A backup was restored.")

    tasks.start_due()
    during = Issue.objects.filter(kind="digest").count()
    epoch.accept()
    tasks.start_due()

    assert Installation.objects.get().frozen_since is None
    assert (during, Issue.objects.filter(kind="digest").count()) == (0, 0)
    assert Digest.objects.get().at > timezone.now()


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


def test_digest_is_due_by_the_newsletters_clock() -> None:
    newsletter = Newsletter(digest_day=5, digest_time=time(9), time_zone="Europe/Berlin")
    friday = datetime(2026, 3, 27, 12, tzinfo=UTC)
    after = digests.upcoming(newsletter, after=friday)

    found = [after, digests.upcoming(newsletter, after=after)]

    assert found == [datetime(2026, 3, 28, 8, tzinfo=UTC), datetime(2026, 4, 4, 7, tzinfo=UTC)]
    assert digests._monday(newsletter, after) == date(2026, 3, 23)


def test_digest_at_an_hour_that_does_not_come_is_due_after_it() -> None:
    newsletter = Newsletter(digest_day=6, digest_time=time(2, 30), time_zone="Europe/Berlin")

    found = digests.upcoming(newsletter, after=datetime(2026, 3, 28, 12, tzinfo=UTC))

    assert found == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_readers_only_issue_opens_by_a_link_of_each_readers_own(weekly: Newsletter) -> None:
    members = out(weekly, "members", days=2, visibility="readers", status="draft", published_at=None)
    first = preparation.start(members)
    Issue.objects.filter(pk=members.pk).update(published_at=timezone.now() - timedelta(days=2))
    preparation.prepare(first.pk)
    out(weekly, "without-mail", days=1, visibility="readers")

    dispatch = sent()

    work = submission._load(dispatch.pk)
    values = {name: make(7) for name, make in work.links.items()}
    html, text = work.mail.html.fill(values), work.mail.text.fill(values)
    link = values[f"web_url_{first.pk}"]
    assert (link in html, link in text, "/daily/members/" in html) == (True, True, False)
    assert "without-mail" not in dispatch.html
    page = Client().get(link.removeprefix("http://testserver"))
    assert "high at nine" in page.text
    assert dispatch.issue.visibility == "readers"
    own_page = Client().get(values["web_url"].removeprefix("http://testserver")).text
    assert (link in own_page, "/daily/members/" in Client().get(dispatch.issue.get_absolute_url()).text) == (
        True,
        False,
    )


def test_digest_stands_in_no_list(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    issue = sent().issue
    Issue.objects.filter(pk=issue.pk).update(visibility="public")

    archive, feed = Client().get("/daily/").text, Client().get("/daily/feed/").text
    neighbour = Client().get("/daily/tides/").text
    desk = editor().get("/admin/newsletter/issue/").text
    page = Client().get(issue.get_absolute_url())

    assert not any("The week in" in each for each in (archive, feed, neighbour, desk))
    assert (page.status_code, "About tides" in page.text) == (200, True)


def test_desk_announces_it_and_says_what_it_is(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    sent()
    digests.look(now=timezone.now())
    browser = editor()
    user = User.objects.get()

    found, page = home.home(user), browser.get("/admin/").text

    assert [(each.newsletter, each.at > timezone.now()) for each in found.digests] == [(weekly, True)]
    assert "1 reader" in page
    assert "Weekly digest" in page
    assert found.drafts == []


def test_subject_ends_at_a_word() -> None:
    words = "sea " * 60

    assert shortened(words) == f"{('sea ' * 49).rstrip()}…"
    assert len(shortened("x" * 300)) == 200
    assert shortened("sea") == "sea"
