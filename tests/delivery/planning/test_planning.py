from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery import planning, tasks
from delivery.exceptions import AlreadyDispatched
from delivery.models import Dispatch, Plan
from delivery.planning import PlannedAlready, Refused
from newsletter import revisions
from newsletter.models import Issue
from tests import factories
from tests.delivery.planning.desk import seen, state, tomorrow


def test_one_press_of_somebody_who_may_send_plans_it_for_its_time(draft: Issue, team) -> None:
    at = tomorrow()

    plan = planning.ask(draft, seen=seen(draft, at=at), by=team["edda"])

    assert state(draft) == ("scheduled", at)
    assert (plan.asked_by, plan.approved_by, plan.at, plan.news) == (team["edda"], team["edda"], at, "")


def test_now_is_a_minute_away_in_which_nothing_leaves(draft: Issue, team) -> None:
    before = timezone.now()

    planning.ask(draft, seen=seen(draft), by=team["edda"])
    tasks.start_due()

    status, at = state(draft)
    assert status == "scheduled"
    assert at is not None
    assert timedelta(seconds=59) < at - before < timedelta(seconds=62)
    assert not Dispatch.objects.exists()


def test_time_that_is_nearer_than_the_minute_leaves_the_minute(draft: Issue, team) -> None:
    soon = timezone.now() + timedelta(seconds=5)

    plan = planning.ask(draft, seen=seen(draft, at=soon), by=team["edda"])

    assert plan.at is not None
    assert plan.at - soon > timedelta(seconds=50)


def test_planned_issue_begins_at_its_time_by_its_plan(draft: Issue, team, settings) -> None:
    settings.SEND_UNDO = timedelta()
    plan = planning.ask(draft, seen=seen(draft), by=team["edda"])

    tasks.start_due()
    tasks.start_due()

    dispatch = Dispatch.objects.get()
    plan.refresh_from_db()
    assert (dispatch.started_by, dispatch.content_hash) == (team["edda"], plan.content_hash)
    assert (plan.ended_because, plan.ended_at is not None) == ("It began at its time.", True)
    with pytest.raises(AlreadyDispatched):
        planning.withdraw(draft, plan_id=plan.pk, by=team["edda"])


def test_undo_makes_it_a_draft_again_and_says_who(draft: Issue, team) -> None:
    plan = planning.ask(draft, seen=seen(draft), by=team["edda"])

    planning.withdraw(draft, plan_id=plan.pk, by=team["pia"])

    plan.refresh_from_db()
    assert state(draft) == ("draft", None)
    assert (plan.ended_by, plan.ended_because) == (team["pia"], "Pia took it back.")
    with pytest.raises(Refused, match=r"no longer planned\. Pia took it back\."):
        planning.withdraw(draft, plan_id=plan.pk, by=team["edda"])


def test_second_press_finds_the_plan_of_the_first(draft: Issue, team) -> None:
    first = planning.ask(draft, seen=seen(draft), by=team["edda"])

    with pytest.raises(PlannedAlready) as earlier:
        planning.ask(draft, seen=seen(draft, at=tomorrow()), by=team["eddie"])

    assert earlier.value.plan == first
    assert Plan.objects.count() == 1


def test_moving_is_another_plan_in_one_step(draft: Issue, team) -> None:
    first = planning.ask(draft, seen=seen(draft, at=tomorrow()), by=team["edda"])
    later = tomorrow() + timedelta(hours=1)

    planning.ask(draft, seen=seen(draft, at=later, plan=first), by=team["eddie"])
    with pytest.raises(PlannedAlready):  # another tab, in which the first was still seen
        planning.ask(draft, seen=seen(draft, at=tomorrow(), plan=first), by=team["edda"])

    first.refresh_from_db()
    assert state(draft) == ("scheduled", later)
    assert first.ended_because == "Eddie chose another time."
    assert Plan.objects.open().get().asked_by == team["eddie"]


def test_what_was_changed_since_it_was_seen_is_not_planned(draft: Issue, team) -> None:
    page = seen(draft)
    Issue.objects.update(subject="Another")

    with pytest.raises(Refused, match="changed since this page was opened"):
        planning.ask(draft, seen=page, by=team["edda"])

    assert (state(draft), Plan.objects.count()) == (("draft", None), 0)


@pytest.mark.parametrize(
    ("fields", "ago", "words"),
    [({"body": ""}, 0, "is empty"), ({}, 1, "That time has passed")],
    ids=["blocked", "passed"],
)
def test_what_cannot_go_out_is_not_planned(
    draft: Issue, team, fields: dict[str, str], ago: int, words: str
) -> None:
    Issue.objects.update(**fields)
    draft.refresh_from_db()
    at = timezone.now() - timedelta(minutes=ago) if ago else None

    with pytest.raises(Refused, match=words):
        planning.ask(draft, seen=seen(draft, at=at), by=team["edda"])

    assert (state(draft), Plan.objects.count()) == (("draft", None), 0)


def test_edit_that_matters_takes_it_back_to_draft_and_says_so(draft: Issue, team) -> None:
    planning.ask(draft, seen=seen(draft, at=tomorrow()), by=team["edda"])

    saved = revisions.save(draft, by=team["wim"], changes={"body": "<p>Something else.</p>"})

    plan = Plan.objects.get()
    assert saved is not None
    assert saved.consequences == (
        "It was to go out. Since the text is another now, it is a draft again: plan it anew.",
    )
    assert state(draft) == ("draft", None)
    assert (plan.ended_because, plan.ended_by, plan.news) == ("Wim changed the text.", team["wim"], "ended")


def test_settings_that_readers_see_end_the_plans_of_their_issues_and_no_others(draft: Issue, team) -> None:
    planning.ask(draft, seen=seen(draft, at=tomorrow()), by=team["edda"])
    other = factories.newsletter("weekly")
    factories.cast(other)
    elsewhere = factories.issue(other)
    factories.scheduled(elsewhere, at=tomorrow())

    newsletter = draft.newsletter
    newsletter.description = "Nobody sees this in a mail."
    newsletter.save(update_fields=["description"])
    harmless = state(draft)[0]
    newsletter.sender_name = "Somebody Else"
    newsletter.save(update_fields=["sender_name"])

    assert (harmless, state(draft)[0], state(elsewhere)[0]) == ("scheduled", "draft", "scheduled")
    assert Plan.objects.get(issue=draft).ended_because == "The settings of The Daily were changed."


def test_now_is_the_day_that_a_subject_is_held_against(draft: Issue, team) -> None:
    at = tomorrow() + timedelta(days=2)
    Issue.objects.update(subject=f"What {at:%A} brings")
    draft.refresh_from_db()
    factories.accept_warnings(draft)
    plan = planning.ask(draft, seen=seen(draft, at=at), by=team["edda"])

    with pytest.raises(Refused, match="warnings that nobody has accepted"):
        planning.ask(draft, seen=seen(draft, plan=plan), by=team["edda"])

    assert state(draft) == ("scheduled", at)
