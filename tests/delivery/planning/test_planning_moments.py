"""What happens in the same moment, or after it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from delivery import notices, planning, preflight, preparation, tasks
from delivery.models import Alarm, Dispatch, Plan
from newsletter import revisions
from newsletter.models import Issue
from tests import factories
from tests.delivery.planning.desk import at_once, make_team, seen, state, tomorrow


def test_edit_that_went_past_the_desk_is_not_sent_and_sounds_an_alarm(draft: Issue, team, settings) -> None:
    settings.SEND_UNDO = timedelta()
    planning.ask(draft, seen=seen(draft), by=team["edda"])
    Issue.objects.update(body="<p>By a script.</p>")

    tasks.start_due()

    assert (state(draft), Dispatch.objects.count()) == (("draft", None), 0)
    alarm = Alarm.objects.get()
    assert alarm.kind == "refused"
    assert "It is not what was approved any more." in alarm.text


def test_schedule_without_a_plan_is_not_sent_and_sounds_an_alarm(draft: Issue, team) -> None:
    Issue.objects.update(status="scheduled", scheduled_at=timezone.now() - timedelta(minutes=1))

    tasks.start_due()

    assert (state(draft), Dispatch.objects.count()) == (("draft", None), 0)
    assert "Nobody has approved it for this time." in Alarm.objects.get().text


def test_mail_whose_wake_up_was_lost_is_found_by_the_sweep(draft: Issue, team) -> None:
    asked = planning.ask(draft, seen=seen(draft), by=team["wim"])

    found = notices.due()
    notices.tell(asked.pk)

    assert (found, notices.due()) == ([asked.pk], [])


@pytest.mark.django_db(transaction=True)
def test_two_people_who_press_at_once_make_one_plan() -> None:
    daily = factories.newsletter()
    factories.cast(daily)
    issue = factories.issue(daily)
    factories.accept_warnings(issue)
    people = make_team(daily)
    page = seen(issue)

    outcomes = at_once(
        *(
            lambda by=by: planning.ask(Issue.objects.get(), seen=page, by=by)
            for by in [people["edda"], people["eddie"], people["pia"]] * 2
        )
    )

    assert sorted(type(each).__name__ for each in outcomes) == ["Plan"] + ["PlannedAlready"] * 5
    assert (Plan.objects.count(), state(issue)[0]) == (1, "scheduled")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["undo", "edit"])
def test_undo_or_edit_in_the_moment_it_begins_is_either_in_time_or_too_late(settings, verb: str) -> None:
    """Never both: a mail of what was not approved, or a draft whose mail is on its way."""
    settings.SEND_UNDO = timedelta()
    daily = factories.newsletter()
    factories.cast(daily)
    edda = make_team(daily)["edda"]
    for number in range(5):
        issue = factories.issue(daily, f"issue-{number}")
        factories.accept_warnings(issue)
        plan = planning.ask(issue, seen=seen(issue), by=edda)

        def undo(issue: Issue = issue, plan: Plan = plan) -> object:
            return planning.withdraw(issue, plan_id=plan.pk, by=edda)

        def edit(issue: Issue = issue) -> object:
            return revisions.save(Issue.objects.get(pk=issue.pk), by=edda, changes={"body": "<p>New.</p>"})

        at_once(tasks.start_due, undo if verb == "undo" else edit, tasks.start_due)

        plan.refresh_from_db()
        dispatch = Dispatch.objects.filter(issue=issue).first()
        status = state(issue)[0]
        if dispatch:
            assert (status, plan.ended_because) == ("sent", "It began at its time.")
            assert dispatch.content_hash == plan.content_hash
            assert "New." not in dispatch.html
        else:
            assert status == "draft"
            assert plan.ended_because in {"Edda took it back.", "Edda changed the text."}
    assert not Alarm.objects.exists()


def test_another_time_that_is_chosen_while_it_begins_stands(draft: Issue, team, monkeypatch) -> None:
    at = timezone.now() - timedelta(seconds=5)
    plan = planning.ask(draft, seen=seen(draft, at=tomorrow()), by=team["edda"])
    Plan.objects.update(at=at)
    Issue.objects.update(scheduled_at=at)
    later = tomorrow()
    look = preflight.report

    def look_while_edda_moves_it(issue: Issue, at: datetime | None = None) -> preflight.Report:
        monkeypatch.undo()
        moved = Issue.objects.get(pk=issue.pk)
        planning.ask(moved, seen=seen(moved, at=later, plan=plan), by=team["edda"])
        return look(issue, at)

    monkeypatch.setattr(preparation.preflight, "report", look_while_edda_moves_it)
    tasks.start_due()

    assert state(draft) == ("scheduled", later)
    assert (Plan.objects.open().count(), Dispatch.objects.count(), Alarm.objects.count()) == (1, 0, 0)


def test_whoever_planned_it_is_told_when_it_cannot_begin(draft: Issue, team) -> None:
    planning.ask(draft, seen=seen(draft, at=tomorrow()), by=team["edda"])
    at = timezone.now() - timedelta(days=1)
    Plan.objects.update(at=at)
    Issue.objects.update(scheduled_at=at)

    tasks.start_due()
    for plan_id in notices.due():
        notices.tell(plan_id)

    (told,) = mail.outbox
    assert (told.to, told.subject) == (
        ["edda@daily.example"],
        "The Daily: “The tide keeps its own clock” does not go out as planned",
    )
    assert "It missed its time." in told.body
