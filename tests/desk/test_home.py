from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from delivery.models import Alarm, Answer, Dispatch, Plan
from desk import home
from newsletter.models import Issue, Member, Newsletter
from subscribers import counting
from tests import factories
from tests.delivery.ledgers import ledger
from tests.delivery.people import editor, helper


def member(newsletter: Newsletter, name: str, role: str) -> Client:
    browser = helper(name=name)
    Member.objects.create(user=User.objects.get(username=name), newsletter=newsletter, role=role)
    return browser


def plan(issue: Issue, by: User | None = None) -> Plan:
    now = timezone.now()
    return Plan.objects.create(issue=issue, content_hash="x", at=now, readers=1, asked_by=by, asked_at=now)


def test_first_day_leads_through_three_steps(db: None) -> None:
    page = editor().get("/admin/").text

    assert "Your first issue is three steps away" in page
    assert 'href="/admin/newsletter/newsletter/add/"' in page
    assert "Nothing has gone out yet." in page


def test_steps_are_ticked_off_and_go_away_with_the_first_issue_that_went_out(draft: Issue) -> None:
    user = User.objects.create_superuser("ada")
    before = home.home(user).first_steps
    ledger(draft, state="sent", accepted=2)

    after = home.home(user).first_steps

    assert (before, after) == ([("newsletter", True), ("readers", False), ("issue", True)], [])


def test_it_shows_what_is_due_soonest_first(daily: Newsletter) -> None:
    now = timezone.now()
    for name, hours in (("later", 5), ("sooner", 2)):
        factories.issue(
            daily, name, subject=name, status="scheduled", scheduled_at=now + timedelta(hours=hours)
        )

    found = home.home(User.objects.create_superuser("ada")).due

    assert [issue.subject for issue in found] == ["sooner", "later"]


def test_it_says_what_goes_out_and_how_far(draft: Issue) -> None:
    dispatch = ledger(draft, accepted=5, failed=1, uncertain=2, pending=12)

    (course,) = home.home(User.objects.create_superuser("ada")).running

    assert course == home.Course(dispatch, accepted=5, refused=1, uncertain=2, answers={})
    assert course.percent == 40


def test_live_part_says_the_same(draft: Issue) -> None:
    ledger(draft, accepted=5, pending=15)

    page = editor().get("/admin/desk/running/").text

    assert ("5 of 20 accepted" in page, 'hx-trigger="every 5s"' in page) == (True, True)


def test_what_went_out_comes_with_its_answers(draft: Issue) -> None:
    ledger(draft, state="sent", accepted=3)
    said = ["poor", "good", "good"]
    for subscription, verdict in zip(draft.newsletter.subscriptions.all(), said, strict=True):
        Answer.objects.create(
            issue=draft, subscription=subscription, verdict=verdict, given_at=timezone.now()
        )

    page = editor().get("/admin/").text

    assert "3 of 3 accepted" in page
    assert "Readers say: good 2, not good 1" in " ".join(page.split())


def test_what_waits_for_an_approval_is_not_among_the_drafts_too(draft: Issue) -> None:
    ada = User.objects.create_superuser("ada")
    Newsletter.objects.update(needs_second_person=True)
    other = factories.issue(draft.newsletter, "other")
    plan(draft, ada)

    found = home.home(ada)

    assert [each.plan.issue for each in found.waiting] == [draft]
    assert found.drafts == [other]


def test_who_wrote_the_last_word_is_not_asked_to_approve_it(draft: Issue) -> None:
    ada, bob = User.objects.create_superuser("ada"), User.objects.create_superuser("bob")
    Newsletter.objects.update(needs_second_person=True)
    Issue.objects.update(edited_by=ada)
    asked = plan(draft, ada)

    found = [home.home(user).waiting for user in (ada, bob)]

    assert found == [[home.Waiting(asked, by_me=False)], [home.Waiting(asked, by_me=True)]]


def test_what_fails_stands_above_all(draft: Issue) -> None:
    dispatch = ledger(draft, state="paused", accepted=1, pending=1)
    Alarm.objects.create(
        kind="paused", issue=draft, dispatch=dispatch, text="The key is wrong.", since=timezone.now()
    )

    page = editor().get("/admin/").text

    assert page.index("Needs somebody") < page.index("The key is wrong.") < page.index("Going out")


def test_growth_is_a_picture_with_words_and_a_table(daily: Newsletter) -> None:
    for days_ago in (1, 1, 3):
        confirmed_at = timezone.now() - timedelta(days=days_ago)
        factories.subscription(daily, f"{timezone.now().timestamp()}@example.com", confirmed_at=confirmed_at)
    counting.refresh()
    counting.note_days(now=timezone.now())

    page = editor().get("/admin/").text

    assert "<strong>3</strong> active readers" in page
    assert ('role="img"' in page, "between 0 and 3." in page, "3 joined" in page) == (True, True, True)
    assert page.count('<th scope="row">') == 30


def test_each_sees_their_own_newsletters_alone(draft: Issue) -> None:
    other = factories.newsletter("weekly", name="The Weekly")
    factories.issue(other, subject="Not for the daily's people")
    browser = member(draft.newsletter, "cleo", "writer")

    page = browser.get("/admin/").text

    assert draft.subject in page
    assert ("Weekly" in page, "Not for the daily" in page) == (False, False)


def test_head_leads_to_the_parts_that_are_theirs(draft: Issue) -> None:
    browser = member(draft.newsletter, "cleo", "writer")

    pages = {path: browser.get(path).text for path in ("/admin/", "/admin/newsletter/issue/")}

    heads = {path: page.split('class="parts"')[1].split("</nav>")[0] for path, page in pages.items()}
    assert all(">Issues</a>" in head and ">Readers</a>" not in head for head in heads.values())
    assert 'href="/admin/" aria-current="page"' in heads["/admin/"]
    assert 'href="/admin/newsletter/issue/" aria-current="true"' in heads["/admin/newsletter/issue/"]


def test_whoever_is_in_no_team_is_told_so(draft: Issue) -> None:
    page = helper(name="dora").get("/admin/").text

    assert "not in the team of any newsletter" in page
    assert draft.subject not in page


@pytest.mark.parametrize("others", [0, 4])
def test_page_costs_the_same_however_many_issues(
    draft: Issue, others: int, django_assert_max_num_queries
) -> None:
    browser = editor()
    ledger(draft, accepted=1, pending=1)
    for number in range(others):
        gone_out(factories.issue(draft.newsletter, f"n{number}"))

    with django_assert_max_num_queries(24):
        assert browser.get("/admin/").status_code == 200


def gone_out(issue: Issue) -> Dispatch:
    now = timezone.now()
    return Dispatch.objects.create(
        issue=issue, state="sent", batch_size=10, audience_size=0, started_at=now, finished_at=now
    )


def test_who_asked_is_not_told_to_approve_it(draft: Issue) -> None:
    ada, bob = User.objects.create_superuser("ada"), User.objects.create_superuser("bob")
    Newsletter.objects.update(needs_second_person=True)
    Issue.objects.update(edited_by=bob)
    asked = plan(draft, ada)

    assert home.home(ada).waiting == [home.Waiting(asked, by_me=False)]


def test_what_waits_is_said_by_its_newsletters_clock(draft: Issue) -> None:
    Newsletter.objects.update(time_zone="Asia/Tokyo")
    at = plan(draft).at.astimezone(ZoneInfo("Asia/Tokyo"))

    page = editor().get("/admin/").text

    assert f"{at:%Y, %H:%M} JST" in page


def test_who_asked_has_a_name(draft: Issue) -> None:
    cleo = User.objects.create_user("cleo", first_name="Cleo", last_name="Lima")
    plan(draft, cleo)

    page = editor().get("/admin/").text

    assert "asked for by Cleo Lima" in page


def test_who_may_see_issues_alone_is_not_told_how_they_go_out(draft: Issue) -> None:
    ledger(draft, accepted=2, pending=3)
    browser = helper("view_issue", "view_newsletter")

    page = browser.get("/admin/").text

    assert ("The Daily" in page, "Going out" in page) == (True, False)
