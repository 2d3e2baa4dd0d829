"""Who may approve a plan, who is told of it, and what ends an approval."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail

from delivery import notices, planning, tasks
from delivery.models import Alarm, Dispatch, Plan
from delivery.planning import PlannedAlready, Refused, Seen
from newsletter import membership
from newsletter.models import Issue, Member
from tests import factories
from tests.delivery.planning.desk import seen, state, tomorrow


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
