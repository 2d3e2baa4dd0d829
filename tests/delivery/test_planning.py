from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.utils import timezone

from delivery import notices, planning, preflight, preparation, tasks
from delivery.exceptions import AlreadyDispatched
from delivery.models import Alarm, Dispatch, Plan
from delivery.planning import PlannedAlready, Refused, Seen
from newsletter import faces, membership, revisions
from newsletter.models import Issue, Member, Newsletter
from tests import factories

ROLES = {"writer": "wim", "editor": "edda", "publisher": "pia"}


@pytest.fixture
def team(draft: Issue) -> dict[str, User]:
    """wim writes, edda and eddie edit, pia publishes; the issue is ready to go out."""
    factories.cast(draft.newsletter)
    factories.accept_warnings(draft)
    return make_team(draft.newsletter)


@pytest.fixture
def four_eyes(draft: Issue) -> None:
    Newsletter.objects.update(needs_second_person=True)
    draft.newsletter.refresh_from_db()


def make_team(newsletter: Newsletter) -> dict[str, User]:
    found = {}
    for name, role in (("wim", "writer"), ("edda", "editor"), ("eddie", "editor"), ("pia", "publisher")):
        user = User.objects.create_user(name, f"{name}@daily.example", first_name=name.title(), is_staff=True)
        Member.objects.create(newsletter=newsletter, user=user, role=role)
        found[name] = user
    return found


def seen(issue: Issue, *, at: datetime | None = None, plan: Plan | None = None) -> Seen:
    return Seen(faces.fingerprint(issue), at, readers=1, plan_id=plan.pk if plan else None)


def tomorrow() -> datetime:
    return timezone.now().replace(second=0, microsecond=0) + timedelta(days=1)


def state(issue: Issue) -> tuple[str, datetime | None]:
    issue.refresh_from_db()
    return issue.status, issue.scheduled_at


def at_once(*steps: Callable[[], object]) -> list[object]:
    """Each in a thread of its own, from the same moment on; what came of each, exceptions too."""
    gate = threading.Barrier(len(steps))

    def one(step: Callable[[], object]) -> object:
        gate.wait()
        try:
            return step()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(steps)) as threads:
        return [done.result() for done in [threads.submit(one, step) for step in steps]]


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


def test_writer_can_only_ask_and_an_editor_approves(draft: Issue, team) -> None:
    at = tomorrow()
    plan = planning.ask(draft, seen=seen(draft, at=at), by=team["wim"])
    waiting = state(draft)

    planning.approve(draft, seen=seen(draft, at=at, plan=plan), by=team["edda"])

    assert (waiting, state(draft)) == (("draft", None), ("scheduled", at))


@pytest.mark.usefixtures("four_eyes")
def test_second_person_approves_exactly_what_was_asked_for(draft: Issue, team) -> None:
    at = tomorrow()
    plan = planning.ask(draft, seen=seen(draft, at=at), by=team["edda"])
    page = seen(draft, at=at, plan=plan)
    stale = [
        Seen("0" * 64, at, 1, plan.pk),
        Seen(page.content_hash, None, 1, plan.pk),
        Seen(page.content_hash, at, 2, plan.pk),
    ]

    for other in stale:
        with pytest.raises(Refused, match="changed since this page was opened"):
            planning.approve(draft, seen=other, by=team["eddie"])
    before = state(draft)
    planning.approve(draft, seen=page, by=team["eddie"])

    assert (before, state(draft)) == (("draft", None), ("scheduled", at))
    with pytest.raises(PlannedAlready):
        planning.approve(draft, seen=page, by=team["pia"])


@pytest.mark.usefixtures("four_eyes")
@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("edda", "You asked for it"),
        ("eddie", "The last word in it is yours"),
        ("wim", "Somebody who may send"),
    ],
)
def test_who_is_no_second_person_cannot_approve(draft: Issue, team, who: str, words: str) -> None:
    Issue.objects.update(edited_by=team["eddie"])
    plan = planning.ask(draft, seen=seen(draft), by=team["edda"])

    with pytest.raises(Refused, match=words):
        planning.approve(draft, seen=seen(draft, plan=plan), by=team[who])

    assert state(draft) == ("draft", None)


@pytest.mark.usefixtures("four_eyes")
def test_another_time_needs_another_approval(draft: Issue, team) -> None:
    plan = planning.ask(draft, seen=seen(draft, at=tomorrow()), by=team["edda"])
    planning.approve(draft, seen=seen(draft, at=plan.at, plan=plan), by=team["eddie"])

    later = tomorrow() + timedelta(hours=1)
    moved = planning.ask(draft, seen=seen(draft, at=later, plan=plan), by=team["eddie"])

    assert (moved.approved_at, state(draft)) == (None, ("draft", None))


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


@pytest.mark.usefixtures("four_eyes")
def test_approvers_and_asker_are_told_by_mail(draft: Issue, team) -> None:
    plan = planning.ask(draft, seen=seen(draft, at=tomorrow()), by=team["edda"])
    asked = notices.tell(plan.pk), notices.tell(plan.pk)
    planning.approve(draft, seen=seen(draft, at=plan.at, plan=plan), by=team["eddie"])
    notices.tell(plan.pk)
    planning.withdraw(draft, plan_id=plan.pk, by=team["pia"], words="Not today.")
    notices.tell(plan.pk)

    assert asked == (True, False)
    assert [(message.to, message.subject) for message in mail.outbox] == [
        (
            ["eddie@daily.example", "pia@daily.example"],
            "The Daily: “The tide keeps its own clock” waits for your approval",
        ),
        (["edda@daily.example"], "The Daily: “The tide keeps its own clock” is approved"),
        (
            ["edda@daily.example", "eddie@daily.example"],
            "The Daily: “The tide keeps its own clock” does not go out as planned",
        ),
    ]
    assert "Pia took it back. Not today." in mail.outbox[2].body
    assert f"http://testserver/admin/desk/issues/{draft.pk}/send/" in mail.outbox[0].body


@pytest.mark.usefixtures("four_eyes")
def test_declined_plan_tells_the_asker_why(draft: Issue, team) -> None:
    plan = planning.ask(draft, seen=seen(draft), by=team["edda"])
    Plan.objects.update(news="", news_due_at=None)

    planning.withdraw(draft, plan_id=plan.pk, by=team["eddie"], words="The second paragraph is wrong.")
    notices.tell(plan.pk)

    (message,) = mail.outbox
    assert (message.to, message.subject) == (
        ["edda@daily.example"],
        "The Daily: “The tide keeps its own clock” is not approved",
    )
    assert "Eddie declined it. The second paragraph is wrong." in message.body


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


def test_now_is_the_day_that_a_subject_is_held_against(draft: Issue, team) -> None:
    at = tomorrow() + timedelta(days=2)
    Issue.objects.update(subject=f"What {at:%A} brings")
    draft.refresh_from_db()
    factories.accept_warnings(draft)
    plan = planning.ask(draft, seen=seen(draft, at=at), by=team["edda"])

    with pytest.raises(Refused, match="warnings that nobody has accepted"):
        planning.ask(draft, seen=seen(draft, plan=plan), by=team["edda"])

    assert state(draft) == ("scheduled", at)


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


def leaves_the_team(who: User) -> None:
    membership.remove(Member.objects.get(user=who))


def becomes_a_writer(who: User) -> None:
    membership.change_role(Member.objects.get(user=who), role="writer")


def is_deactivated(who: User) -> None:
    who.is_active = False
    who.save(update_fields=["is_active"])


@pytest.mark.parametrize("happens", [leaves_the_team, becomes_a_writer, is_deactivated])
def test_plan_ends_with_the_right_of_whoever_approved_it(
    draft: Issue, team, happens: Callable[[User], None]
) -> None:
    other = factories.issue(draft.newsletter, "other")
    factories.accept_warnings(other)
    plan = planning.ask(draft, seen=seen(draft, at=tomorrow()), by=team["edda"])
    kept = planning.ask(other, seen=seen(other, at=tomorrow()), by=team["pia"])

    happens(team["edda"])

    plan.refresh_from_db()
    kept.refresh_from_db()
    words = "Edda approved it, and may not send any more. Somebody who may has to approve it anew."
    assert (plan.ended_because, plan.news, kept.ended_at) == (words, "ended", None)
    assert (state(draft)[0], state(other)[0]) == ("draft", "scheduled")


def test_right_that_was_taken_away_unnoticed_is_asked_for_once_more_at_its_time(
    draft: Issue, team, settings
) -> None:
    settings.SEND_UNDO = timedelta()
    planning.ask(draft, seen=seen(draft), by=team["edda"])
    User.objects.filter(pk=team["edda"].pk).update(is_active=False)

    tasks.start_due()

    assert (state(draft), Dispatch.objects.count()) == (("draft", None), 0)
    assert "Edda approved it, and may not send any more." in Alarm.objects.get().text


def test_who_is_deleted_leaves_no_approval_behind(draft: Issue, team) -> None:
    plan = planning.ask(draft, seen=seen(draft, at=tomorrow()), by=team["edda"])

    team["edda"].delete()

    plan.refresh_from_db()
    assert (state(draft), plan.ended_because) == (
        ("draft", None),
        "Edda approved it, and is not here any more.",
    )


@pytest.mark.parametrize(("asks", "status"), [("edda", "draft"), ("wim", "scheduled"), (None, "draft")])
def test_rule_of_two_holds_for_what_was_approved_before_it(
    draft: Issue, team, asks: str | None, status: str
) -> None:
    plan = planning.ask(draft, seen=seen(draft, at=tomorrow()), by=team[asks] if asks else None)
    if not plan.approved_at:
        planning.approve(draft, seen=seen(draft, at=plan.at, plan=plan), by=team["edda"])

    draft.newsletter.needs_second_person = True
    draft.newsletter.save(update_fields=["needs_second_person"])

    plan.refresh_from_db()
    words = "One person alone had approved it, and The Daily now asks for a second. Ask for it anew."
    assert (state(draft)[0], plan.ended_because) == (status, words if status == "draft" else "")
