from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from delivery import planning, tasks
from delivery.models import Dispatch, Plan
from newsletter.models import Issue, Newsletter
from tests import factories
from tests.delivery.planning.desk import seen, state, tomorrow
from tests.desk.send_page import browser, form, path


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


def test_now_is_held_against_the_day_that_the_subject_names(draft: Issue, people) -> None:
    wrong = timezone.now() + timedelta(days=3)
    Issue.objects.update(subject=f"What {wrong:%A} brings")
    draft.refresh_from_db()
    factories.accept_warnings(draft)

    page = browser(people["edda"]).get(path(draft), {"when": "now"}).text

    assert ("This names another day" in page, "Look at the warnings" in page) == (True, True)
    (check,) = set(re.findall(r"/admin/desk/issues/\d+/check/\?at=[^\"]+", page))
    assert "This names another day" in browser(people["edda"]).get(check).text
