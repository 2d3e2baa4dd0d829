"""What stands in the way of sending, and what somebody has accepted: readers, mailer, test mails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from delivery import preflight, preparation
from delivery.audience import Outlook
from delivery.models import (
    Acceptance,
    Dispatch,
    Installation,
    MailerState,
    Proof,
)
from delivery.preflight import Finding, Level, proofs, sending
from delivery.preflight import readers as readers_of
from newsletter import faces
from newsletter.models import Issue, Newsletter
from subscribers import counting
from subscribers.models import Suppression, address_key
from tests import factories
from tests.delivery.checked import AT, MAILGUN, by_code, dispatched


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", first_name="Ada", last_name="Quill")


@pytest.fixture
def ready(draft: Issue) -> Issue:
    """Nothing is to be said about it."""
    factories.readers(draft.newsletter, 3)
    proof(draft)
    draft.newsletter.refresh_from_db()
    return draft


def proof(issue: Issue, *, state: str = "sent") -> None:
    Proof.objects.create(
        issue=issue, content_hash=faces.fingerprint(issue), addresses=["ada@example.com"], state=state
    )


def test_report_of_an_issue_that_is_ready(ready: Issue) -> None:
    report = preflight.report(ready)

    assert (report.blockers, report.open, report.is_ready) == ([], [], True)
    assert [each.code for each in report.fine] == [
        *("subject", "preheader", "body", "way_out", "size", "mailer", "readers", "test_mail", "sender"),
    ]


def test_report_has_the_gravest_first(daily: Newsletter) -> None:
    issue = factories.issue(daily, preheader="", body="<p>TK</p>")

    report = preflight.report(issue)

    assert [(each.level, each.code) for each in report.findings if each.level != Level.FINE] == [
        (Level.BLOCKER, "leftover"),
        (Level.BLOCKER, "no_readers"),
        (Level.WARNING, "no_preheader"),
        (Level.WARNING, "no_test_mail"),
    ]
    assert [each.code for each in report.in_the_way] == ["leftover", "no_readers"]
    assert not report.is_ready


def test_report_costs_few_queries_however_much_is_linked(
    ready: Issue, django_assert_num_queries: Any, settings: Any
) -> None:
    settings.LINK_CHECKS = True
    links = "".join(
        f'<p><a href="https://example.org/{n}">page {n}</a> <a href="/daily/i{n}/">i</a></p>'
        for n in range(40)
    )
    ready.body = links + links

    with django_assert_num_queries(13):
        preflight.report(ready)


def test_accepting_is_written_down_and_can_be_taken_back(ready: Issue, ada: User) -> None:
    ready.preheader = ""
    proof(ready)
    found = preflight.report(ready).open[0]

    assert preflight.accept(ready, code=found.code, mark=found.mark, by=ada)
    accepted = preflight.report(ready)
    assert preflight.take_back(ready, code=found.code, mark=found.mark)

    assert (accepted.is_ready, [(each.finding, each.by) for each in accepted.accepted]) == (
        True,
        [(found, "Ada Quill")],
    )
    assert [each.code for each in preflight.report(ready).open] == ["no_preheader"]
    assert not preflight.take_back(ready, code=found.code, mark=found.mark)


def test_accepting_twice_keeps_who_was_first(ready: Issue, ada: User) -> None:
    ready.preheader = ""
    proof(ready)
    found = preflight.report(ready).open[0]
    preflight.accept(ready, code=found.code, mark=found.mark, by=ada)
    bob = User.objects.create_user("bob")

    assert not preflight.accept(ready, code=found.code, mark=found.mark, by=bob)
    assert Acceptance.objects.get().by == ada


def test_blocker_cannot_be_accepted(draft: Issue, ada: User) -> None:
    found = preflight.report(draft).blockers[0]

    assert not preflight.accept(draft, code=found.code, mark=found.mark, by=ada)
    assert not Acceptance.objects.exists()


def test_edit_that_matters_voids_an_acceptance_and_another_does_not(ready: Issue, ada: User) -> None:
    ready.body = '<p>Tides <a href="https://example.org/">click here</a></p>'
    found = next(each for each in preflight.report(ready).open if each.code == "link_words")
    preflight.accept(ready, code=found.code, mark=found.mark, by=ada)

    ready.body += "<p>And a word more.</p>"
    beside = by_code(preflight.report(ready).open)
    ready.body += '<p><a href="https://example.org/b">here</a></p>'
    within = by_code(preflight.report(ready).open)

    assert "link_words" not in beside
    assert "link_words" in within


def test_decision_is_in_the_way_until_somebody_takes_it(ready: Issue, ada: User) -> None:
    ready.body = f"<p>{'Tides and bridges. ' * 6000}</p>"
    proof(ready)
    report = preflight.report(ready)
    [found] = report.open

    assert ([each.code for each in report.blockers], [each.code for each in report.in_the_way]) == (
        [],
        ["clipped"],
    )
    preflight.accept(ready, code=found.code, mark=found.mark, by=ada)
    assert preflight.report(ready).is_ready


def test_day_in_the_subject_is_compared_with_the_time_it_is_planned_for(ready: Issue) -> None:
    ready.subject = "Your Monday tides"
    proof(ready)

    assert [each.code for each in preflight.report(ready, AT).open] == ["other_day"]
    assert preflight.report(ready, AT - timedelta(days=1)).is_ready
    assert preflight.report(ready).is_ready


def test_day_is_that_of_the_newsletters_own_clock(ready: Issue) -> None:
    ready.newsletter.time_zone = "Pacific/Auckland"
    ready.subject = "Your Monday tides"
    proof(ready)
    sunday_evening_in_london = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)

    assert preflight.report(ready, sunday_evening_in_london).is_ready


def compared(issue: Issue, *, readers: int) -> list[Finding]:
    """What is said of an issue that goes to so many now."""
    return readers_of.findings(issue, at=timezone.now(), outlook=Outlook(readers))


def test_nobody_to_read_it_is_in_the_way(draft: Issue) -> None:
    assert by_code(compared(draft, readers=0)) == {"no_readers": Level.BLOCKER}


@pytest.mark.parametrize(
    ("now", "is_asked"), [(1000, False), (1100, False), (900, False), (1101, True), (899, True), (5000, True)]
)
def test_audience_is_compared_with_the_last_issues(daily: Newsletter, now: int, is_asked: bool) -> None:
    dispatched(daily, readers=1000)
    factories.cast(daily)

    found = compared(factories.issue(daily), readers=now)

    assert by_code(found) == ({"other_audience": Level.WARNING} if is_asked else {})


def test_audience_says_both_numbers_and_forgives_a_few_more(daily: Newsletter) -> None:
    dispatched(daily, readers=90_000)
    factories.cast(daily)
    issue = factories.issue(daily)

    [then], [later] = (compared(issue, readers=number) for number in (114_032, 114_035))

    assert "114,032" in then.text
    assert "90,000" in then.text
    assert then.mark == later.mark


def test_audience_is_compared_by_those_who_can_be_mailed(daily: Newsletter) -> None:
    factories.readers(daily, 21)
    for number in range(5):
        key = address_key(f"reader{number}@example.com")
        Suppression.objects.create(address_key=key, reason=Suppression.Reason.HARD_BOUNCE)
    counting.refresh()
    daily.refresh_from_db()
    dispatch = preparation.start(factories.issue(daily, "last"))
    preparation.prepare(dispatch.pk)
    dispatch.refresh_from_db()

    found = compared(factories.issue(daily), readers=counting.kept(daily).total)

    assert (dispatch.audience_size, dispatch.mailable, dispatch.readers) == (21, 16, 16)
    assert by_code(found) == {}


def test_readers_are_counted_where_no_count_is_kept(daily: Newsletter) -> None:
    factories.cast(daily)

    assert counting.kept(daily).total == 1
    daily.active_readers = 7
    assert counting.kept(daily).total == 7


def test_frozen_installation_is_in_the_way(draft: Issue) -> None:
    Installation.objects.create(
        pk=1, site_url="https://other.example", frozen_since=timezone.now(), frozen_reason="A backup."
    )

    assert by_code(sending.findings(draft, mailer="bulk")) == {"frozen": Level.BLOCKER}


def test_mailer_that_cannot_be_made_is_in_the_way(draft: Issue, settings: Any) -> None:
    settings.MAILERS = {**settings.MAILERS, "bulk": {**MAILGUN, "OPTIONS": {"no_such_option": 1}}}
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun"}}

    report = preflight.report(draft)

    assert "mailer_setting" in by_code(report.findings)


def test_mailer_that_does_not_work_is_said_unless_another_does(draft: Issue, settings: Any) -> None:
    MailerState.objects.create(alias="bulk", broken_since=timezone.now(), reason="No such account.")

    alone = by_code(sending.findings(draft, mailer="bulk"))
    settings.HAND_OVER = {**settings.HAND_OVER, "fallback": {"scheme": "outbox"}}
    settings.MAILERS = {**settings.MAILERS, "fallback": settings.MAILERS["bulk"]}
    [with_another] = sending.findings(draft, mailer="bulk")

    assert alone == {"mailer_broken": Level.WARNING}
    assert (with_another.level, with_another.text) == (
        Level.FINE,
        "The local outbox is ready; the local outbox does not work.",
    )


def test_issue_that_stands_still_is_mentioned(draft: Issue) -> None:
    other = dispatched(draft.newsletter, readers=3)
    Dispatch.objects.filter(pk=other.pk).update(state="paused", reason="The key is refused.")

    [ours] = sending.findings(draft, mailer="bulk")
    [theirs] = sending.findings(factories.issue(factories.newsletter("weekly")), mailer="bulk")

    assert (ours.code, ours.level, "The last one" in ours.text) == ("other_paused", Level.WARNING, True)
    assert (theirs.code, "The last one" in theirs.text) == ("other_paused", False)


def test_test_mail_of_this_version_is_asked_for(draft: Issue) -> None:
    never = proofs.findings(draft)
    proof(draft, state="failed")
    failed = proofs.findings(draft)
    proof(draft)
    sent = proofs.findings(draft)
    draft.subject = "Another"
    stale = proofs.findings(draft)

    assert [by_code(each) for each in (never, failed, sent, stale)] == [
        {"no_test_mail": Level.WARNING},
        {"no_test_mail": Level.WARNING},
        {},
        {"no_test_mail": Level.WARNING},
    ]
    assert "older than the last change" in stale[0].text
