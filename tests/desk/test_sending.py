from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from delivery import planning, preparation, tasks
from delivery.models import Dispatch, Plan
from newsletter import faces
from newsletter.models import Issue, Member, Newsletter, UsualTime
from subscribers.models import Subscription, Suppression, address_key
from tests import factories
from tests.delivery.test_planning import make_team, seen, state, tomorrow


@pytest.fixture
def people(draft: Issue) -> dict[str, User]:
    Newsletter.objects.update(time_zone="Europe/London")
    draft.refresh_from_db()
    factories.cast(draft.newsletter)
    factories.accept_warnings(draft)
    return make_team(draft.newsletter)


def browser(user: User) -> Client:
    found = Client()
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def path(issue: Issue, verb: str = "") -> str:
    return f"/admin/desk/issues/{issue.pk}/send/{verb}"


def form(issue: Issue, *, at: datetime | None = None, plan: Plan | None = None) -> dict[str, str]:
    """As it stands on the page."""
    return {
        "seen": faces.fingerprint(issue),
        "at": at.isoformat() if at else "",
        "readers": "1",
        "plan": str(plan.pk) if plan else "",
    }


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


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"when": "other", "local": ""}, "Choose a day and a time."),
        ({"when": "other", "local": "soon"}, "Choose a day and a time."),
        ({"when": "other", "local": "9999-12-31T06:30"}, "Choose a day and a time."),
        ({"when": "other", "local": "2020-01-01T06:30"}, "That has passed: in Europe/London it is"),
        ({"when": "other", "local": "2126-03-31T01:30"}, "01:30 does not come: it goes out at 02:00."),
        ({"when": "other", "local": "2126-10-27T01:30"}, "01:30 comes twice: it goes out the first time."),
    ],
)
def test_time_that_cannot_be_or_needs_a_rule_is_said(draft: Issue, people, given, words: str) -> None:
    page = browser(people["edda"]).get(path(draft), given).text

    assert words in page
    assert ("Schedule for" in page) == ("it goes out" in words)


def test_undo_bar_is_there_for_everybody_and_takes_it_back(draft: Issue, people) -> None:
    browser(people["edda"]).post(path(draft, "ask/"), form(draft))

    page = browser(people["wim"]).get(path(draft))
    standing = page.context["standing"]
    answer = browser(people["wim"]).post(path(draft, "withdraw/"), {"plan": standing.plan.pk}, follow=True)

    assert 55 < standing.seconds <= 60
    assert f'data-countdown="{standing.seconds}"' in page.text
    assert "It is a draft again. Nothing was sent." in answer.text
    assert "Wim took it back." in answer.text
    assert state(draft) == ("draft", None)


def test_history_says_what_was_asked_for_also_after_it_was_taken_back(draft: Issue, people) -> None:
    Newsletter.objects.update(needs_second_person=True)
    edda, eddie = browser(people["edda"]), browser(people["eddie"])
    edda.post(path(draft, "ask/"), form(draft))
    eddie.post(path(draft, "approve/"), form(draft, plan=Plan.objects.get()))
    edda.post(path(draft, "withdraw/"), {"plan": Plan.objects.get().pk})
    Newsletter.objects.update(needs_second_person=False)
    edda.post(path(draft, "ask/"), form(draft))

    history = edda.get(path(draft)).context["history"]

    assert [line["words"] for line in history] == [
        "Edda pressed Send now.",
        "Edda took it back.",
        "Eddie approved it.",
        "Edda asked for approval, for as soon as it has it.",
    ]


def test_words_that_no_database_takes_are_left_out(draft: Issue, people) -> None:
    edda = browser(people["edda"])
    edda.post(path(draft, "ask/"), form(draft))
    plan = Plan.objects.get()

    edda.post(path(draft, "withdraw/"), {"plan": plan.pk, "words": "Not\0 yet."})

    plan.refresh_from_db()
    assert plan.ended_because.endswith("took it back. Not yet.")


def test_double_click_is_one_plan_and_says_so(draft: Issue, people) -> None:
    given = form(draft)

    first, second = (
        browser(people[who]).post(path(draft, "ask/"), given, follow=True) for who in ("edda", "pia")
    )

    assert "planned already" not in first.text
    assert "This issue is planned already. Nothing was changed." in second.text
    assert Plan.objects.count() == 1


def test_press_after_it_has_begun_leads_to_where_it_is_watched(draft: Issue, people, settings) -> None:
    settings.SEND_UNDO = timedelta()
    edda = browser(people["edda"])
    edda.post(path(draft, "ask/"), form(draft))
    plan = Plan.objects.get()
    tasks.start_due()

    answers = [
        edda.get(path(draft)),
        edda.post(path(draft, "ask/"), form(draft)),
        edda.post(path(draft, "withdraw/"), {"plan": plan.pk}),
    ]

    watch = f"/admin/delivery/watch/{Dispatch.objects.get().pk}/"
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, watch)] * 3


@pytest.mark.parametrize("at", ["soon", "2126-13-01", "2126-01-12T06:30", "9999-12-31T23:59-05:00"])
def test_time_that_was_garbled_is_never_now(draft: Issue, people, at: str) -> None:
    answer = browser(people["edda"]).post(path(draft, "ask/"), form(draft) | {"at": at}, follow=True)

    assert "That is no time. Choose it once more." in answer.text
    assert (state(draft), Plan.objects.count()) == (("draft", None), 0)


def test_second_person_sees_what_was_asked_for_and_approves_it(draft: Issue, people) -> None:
    Newsletter.objects.update(needs_second_person=True)
    at = tomorrow()
    edda, eddie = browser(people["edda"]), browser(people["eddie"])

    asked = edda.post(path(draft, "ask/"), form(draft, at=at), follow=True).text
    shown = eddie.get(path(draft)).text
    eddie.post(path(draft, "approve/"), form(draft, at=at, plan=Plan.objects.get()))

    assert "You asked for it, so somebody else has to approve it." in asked
    assert ">Approve</button>" in shown
    assert ">Approve</button>" not in asked
    assert state(draft) == ("scheduled", at)
    assert [line["words"].partition(",")[0] for line in eddie.get(path(draft)).context["history"]] == [
        "Eddie approved it.",
        "Edda asked for approval",
    ]


def test_writer_asks_and_does_not_approve(draft: Issue, people) -> None:
    wim = browser(people["wim"])

    page = wim.get(path(draft)).text
    wim.post(path(draft, "ask/"), form(draft))
    answer = wim.post(path(draft, "approve/"), form(draft, plan=Plan.objects.get()), follow=True)

    assert "Ask for approval" in page
    assert "Somebody who may send has to approve it." in answer.text
    assert state(draft) == ("draft", None)


def test_page_that_is_old_is_refused_with_words(draft: Issue, people) -> None:
    given = form(draft)
    Issue.objects.update(body="<p>Something else.</p>")

    answer = browser(people["edda"]).post(path(draft, "ask/"), given, follow=True)

    assert "The issue has been changed since this page was opened." in answer.text
    assert not Plan.objects.exists()


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


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("2020-01-01T06:30:00+00:00", "That has passed: in Europe/London it is"),
        ("soon", "Choose a day and a time."),
    ],
)
def test_offer_that_has_passed_is_none_any_more(draft: Issue, people, when: str, words: str) -> None:
    page = browser(people["edda"]).get(path(draft), {"when": when}).text

    assert words in page
    assert path(draft, "ask/") not in page


def test_press_that_is_refused_keeps_the_time(draft: Issue, people) -> None:
    at, now = tomorrow(), {**form(draft), "seen": "another"}
    edda = browser(people["edda"])

    later = edda.post(path(draft, "ask/"), form(draft, at=at) | {"seen": "another"}, follow=True)
    at_once = edda.post(path(draft, "ask/"), now, follow=True)

    assert (later.context["chosen"].at, at_once.context["chosen"].value) == (at, "now")


def test_plan_whose_time_passed_without_an_approval_asks_for_another_time(draft: Issue, people) -> None:
    Newsletter.objects.update(needs_second_person=True)
    draft.refresh_from_db()
    plan = planning.ask(draft, seen=seen(draft, at=tomorrow()), by=people["edda"])
    Plan.objects.update(at=timezone.now() - timedelta(minutes=1))

    page = browser(people["edda"]).get(path(draft))
    browser(people["edda"]).post(path(draft, "ask/"), form(draft, at=tomorrow(), plan=plan))

    assert page.context["phase"] == "choose"
    assert Plan.objects.open().get().at == tomorrow()


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


def test_now_is_held_against_the_day_that_the_subject_names(draft: Issue, people) -> None:
    wrong = timezone.now() + timedelta(days=3)
    Issue.objects.update(subject=f"What {wrong:%A} brings")
    draft.refresh_from_db()
    factories.accept_warnings(draft)

    page = browser(people["edda"]).get(path(draft), {"when": "now"}).text

    assert ("This names another day" in page, "Look at the warnings" in page) == (True, True)
    (check,) = set(re.findall(r"/admin/desk/issues/\d+/check/\?at=[^\"]+", page))
    assert "This names another day" in browser(people["edda"]).get(check).text


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
