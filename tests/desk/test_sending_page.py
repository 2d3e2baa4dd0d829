"""What the page says before anybody presses."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from delivery import planning, preparation
from delivery.models import Plan
from newsletter.models import Issue, Member, Newsletter, UsualTime
from subscribers.models import Subscription, Suppression, address_key
from tests import factories
from tests.delivery.planning.desk import seen, state, tomorrow
from tests.desk.send_page import browser, form, path


def test_page_says_in_one_sentence_what_will_happen_and_changes_nothing(draft: Issue, people) -> None:
    page = browser(people["edda"]).get(path(draft), {"when": "other", "local": "2126-01-12T06:30"})

    assert "On <strong>Saturday 12 January 2126 at 06:30</strong> (Europe/London)" in page.text
    assert (
        "goes to <strong>1 reader</strong> of <strong>The Daily</strong>, through the local outbox"
        in page.text
    )
    assert "Schedule for Saturday 12 January 2126 at 06:30" in page.text
    assert (state(draft), Plan.objects.count()) == (("draft", None), 0)


def test_page_offers_the_usual_times_and_begins_with_the_next(draft: Issue, people) -> None:
    UsualTime.objects.create(newsletter=draft.newsletter, time=time(6, 30), days=0b1111111)

    page = browser(people["edda"]).get(path(draft))

    offers, chosen = page.context["offers"], page.context["chosen"]
    assert len(offers) == 3
    assert chosen.at == offers[0].at
    assert page.text.count("your usual time") == 3


def test_what_is_in_the_way_is_named_and_there_is_no_button(draft: Issue, people) -> None:
    Issue.objects.update(body="")

    page = browser(people["edda"]).get(path(draft)).text

    assert "<strong>In the way:</strong> The issue is empty." in page
    assert path(draft, "ask/") not in page


def test_who_is_not_of_the_team_sees_nothing(draft: Issue, people) -> None:
    stranger = User.objects.create_user("stranger", is_staff=True)
    make = browser(stranger)

    answers = [
        make.get(path(draft)),
        *(make.post(path(draft, f"{verb}/")) for verb in ("ask", "approve", "withdraw")),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert [Client().post(path(draft, "ask/")).status_code, make.get(path(draft, "ask/")).status_code] == [
        302,
        405,
    ]


def test_difference_to_the_last_issue_is_shown(draft: Issue, people) -> None:
    old = factories.issue(draft.newsletter, "old")
    preparation.prepare(preparation.start(old).pk)
    factories.subscription(draft.newsletter, "dan@example.com")

    page = browser(people["edda"]).get(path(draft))

    assert page.context["difference"] == 1
    assert "1 more than the last issue" in page.text


def test_readers_who_went_since_the_last_issue_are_shown(draft: Issue, people) -> None:
    dan = factories.subscription(draft.newsletter, "dan@example.com")
    old = factories.issue(draft.newsletter, "old")
    preparation.prepare(preparation.start(old).pk)
    Subscription.objects.filter(pk=dan.pk).update(status="unsubscribed", unsubscribed_at=timezone.now())

    assert "1 fewer than the last issue" in browser(people["edda"]).get(path(draft)).text


def test_readers_who_must_not_be_mailed_are_no_difference(draft: Issue, people) -> None:
    factories.subscription(draft.newsletter, "dan@example.com")
    Suppression.objects.create(
        address_key=address_key("dan@example.com"), reason=Suppression.Reason.HARD_BOUNCE
    )
    preparation.prepare(preparation.start(factories.issue(draft.newsletter, "old")).pk)

    page = browser(people["edda"]).get(path(draft))

    assert page.context["difference"] == 0
    assert "as many as the last issue" in page.text


@pytest.mark.parametrize("status", ["sent", "withdrawn"])
def test_issue_that_is_no_draft_any_more_is_not_offered_to_be_sent(draft: Issue, people, status: str) -> None:
    Issue.objects.update(status=status, published_at=timezone.now())

    answer = browser(people["edda"]).get(path(draft), follow=True)

    assert answer.redirect_chain == [(f"/admin/newsletter/issue/{draft.pk}/change/", 302)]
    assert "This issue is no longer a draft, so it cannot be sent." in answer.text


def test_page_costs_the_same_however_much_has_happened(
    draft: Issue, people, django_assert_max_num_queries
) -> None:
    edda = browser(people["edda"])
    edda.get(path(draft))
    for _ in range(5):
        plan = planning.ask(draft, seen=seen(draft, at=tomorrow()), by=people["edda"])
        planning.withdraw(draft, plan_id=plan.pk, by=people["edda"])

    with django_assert_max_num_queries(36):
        edda.get(path(draft))


def test_time_of_a_plan_is_by_the_newsletters_clock(draft: Issue, people) -> None:
    at = datetime(2126, 7, 1, 5, 30, tzinfo=UTC)
    planning.ask(draft, seen=seen(draft, at=at), by=people["edda"])

    page = browser(people["edda"]).get(path(draft)).text

    assert "Monday 1 July 2126 at 06:30" in page


def test_page_says_where_nobody_can_be_told_that_it_waits(draft: Issue, people) -> None:
    Newsletter.objects.update(needs_second_person=True)
    wim = browser(people["wim"])
    told = wim.get(path(draft)).text
    Member.objects.exclude(user=people["wim"]).delete()

    asking = wim.get(path(draft)).text
    wim.post(path(draft, "ask/"), form(draft))
    waiting = wim.get(path(draft)).text

    said = [
        ("They are told by mail." in page, "nobody else may approve it" in page)
        for page in (told, asking, waiting)
    ]
    assert said == [(True, False), (False, True), (False, True)]
