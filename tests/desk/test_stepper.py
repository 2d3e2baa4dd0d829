from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from delivery import planning, preparation
from delivery.models import Proof
from desk import stepper
from newsletter import faces
from newsletter.models import Issue, Newsletter
from tests import factories
from tests.delivery.planning.desk import make_team, seen, tomorrow


@pytest.fixture
def edda(draft: Issue) -> User:
    cache.clear()
    factories.cast(draft.newsletter)
    return make_team(draft.newsletter)["edda"]


def states(issue: Issue | None, user: User) -> list[tuple[str, str]]:
    plan = issue.plans.open().first() if issue else None
    return [(step.label, step.state) for step in stepper.steps(issue, user=user, plan=plan)]


def test_new_issue_is_written_first(edda: User) -> None:
    assert states(None, edda) == [
        ("Write", "ready"),
        ("Check", "locked"),
        ("Test", "locked"),
        ("Send", "locked"),
        ("Report", "locked"),
    ]


def test_steps_say_how_far_an_issue_is(draft: Issue, edda: User) -> None:
    found = [[state for _label, state in states(draft, edda)]]
    proof = Proof.objects.create(
        issue=draft, content_hash="other", addresses=["ada@example.com"], state=Proof.State.SENT
    )
    found.append([state for _label, state in states(draft, edda)])
    Proof.objects.filter(pk=proof.pk).update(content_hash=faces.fingerprint(draft))
    cache.clear()
    found.append([state for _label, state in states(draft, edda)])
    planning.ask(draft, seen=seen(draft, at=tomorrow()), by=edda)
    draft.refresh_from_db()
    found.append([state for _label, state in states(draft, edda)])
    preparation.start(draft)
    found.append([state for _label, state in states(draft, edda)])

    assert found == [
        ["done", "attention", "ready", "ready", "locked"],
        ["done", "attention", "attention", "ready", "locked"],
        ["done", "done", "done", "ready", "locked"],
        ["done", "done", "done", "done", "locked"],
        ["done", "done", "done", "done", "attention"],
    ]


def test_step_of_sending_is_called_approve_until_somebody_has(draft: Issue, edda: User) -> None:
    factories.accept_warnings(draft)
    Newsletter.objects.update(needs_second_person=True)
    draft.refresh_from_db()

    before = states(draft, edda)[3]
    planning.ask(draft, seen=seen(draft), by=edda)

    assert (before, states(draft, edda)[3]) == (("Approve", "ready"), ("Approve", "attention"))


def test_steps_cost_three_queries_once_the_checks_are_known(
    draft: Issue, edda: User, django_assert_num_queries
) -> None:
    stepper.steps(draft, user=edda, plan=None)

    with django_assert_num_queries(3):  # test, dispatch, acceptances
        stepper.steps(draft, user=edda, plan=None)


def test_line_of_steps_marks_where_one_is(draft: Issue, edda: User) -> None:
    browser = Client()
    browser.force_login(edda, backend="django.contrib.auth.backends.ModelBackend")

    page = browser.get(f"/admin/newsletter/issue/{draft.pk}/change/").text

    line = page[page.index('class="steps"') : page.index("</nav>", page.index('class="steps"'))]
    assert line.count("aria-current") == 1
    assert f'<a href="/admin/newsletter/issue/{draft.pk}/change/" aria-current="step">' in line
    assert f'<a href="/admin/desk/issues/{draft.pk}/send/">' in line


def test_text_that_was_changed_back_has_its_test_still(draft: Issue, edda: User) -> None:
    for content_hash in (faces.fingerprint(draft), "of what stood there meanwhile"):
        Proof.objects.create(
            issue=draft, content_hash=content_hash, addresses=["ada@example.com"], state=Proof.State.SENT
        )

    assert states(draft, edda)[2] == ("Test", "done")
