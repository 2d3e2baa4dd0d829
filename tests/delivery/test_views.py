from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from delivery import preparation
from delivery.models import Dispatch
from newsletter.models import Issue
from tests import factories


@pytest.fixture
def editor(db: None) -> Client:
    User.objects.create_superuser("editor", password="courant")
    browser = Client(enforce_csrf_checks=False)
    browser.login(username="editor", password="courant")
    return browser


def test_send_page_names_the_audience_and_changes_nothing(draft: Issue, editor: Client) -> None:
    factories.cast(draft.newsletter)

    answers = [
        editor.get(f"/admin/delivery/send/{draft.pk}/"),
        editor.head(f"/admin/delivery/send/{draft.pk}/"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert "1 reader" in answers[0].text
    assert not Dispatch.objects.exists()


def test_two_clicks_are_one_sending(draft: Issue, editor: Client) -> None:
    factories.cast(draft.newsletter)

    answers = [editor.post(f"/admin/delivery/send/{draft.pk}/") for _ in range(2)]

    dispatch = Dispatch.objects.get()
    assert [answer["Location"] for answer in answers] == [f"/admin/delivery/watch/{dispatch.pk}/"] * 2
    assert dispatch.started_by.username == "editor"


def test_issue_that_is_not_ready_says_what_to_mend(draft: Issue, editor: Client) -> None:
    answer = editor.post(f"/admin/delivery/send/{draft.pk}/", follow=True)

    assert "no confirmed readers" in answer.text
    assert not Dispatch.objects.exists()


def test_watch_page_shows_the_balance_and_pauses_goes_on_and_stops(draft: Issue, editor: Client) -> None:
    factories.cast(draft.newsletter)
    dispatch = preparation.start(draft)
    preparation.prepare(dispatch.pk)
    path = f"/admin/delivery/watch/{dispatch.pk}/"

    states = []
    for verb in ("pause", "pause", "resume", "stop", "resume"):
        editor.post(f"{path}{verb}/")
        dispatch.refresh_from_db()
        states.append(dispatch.state)

    assert states == ["paused", "paused", "sending", "stopped", "stopped"]
    assert editor.get(path).status_code == editor.get(f"{path}progress/").status_code == 200
    assert "the sending was stopped" in editor.get(path).text


@pytest.mark.parametrize("permission", ["view_dispatch", None])
def test_who_may_not_send_cannot(draft: Issue, permission: str | None) -> None:
    factories.cast(draft.newsletter)
    dispatch = preparation.start(draft)
    writer = User.objects.create_user("writer", password="courant", is_staff=True)
    if permission:
        writer.user_permissions.add(Permission.objects.get(codename=permission))
    browser = Client()
    browser.login(username="writer", password="courant")

    paths = [f"/admin/delivery/send/{draft.pk}/", f"/admin/delivery/watch/{dispatch.pk}/stop/"]

    assert [browser.post(path).status_code for path in paths] == [403, 403]
    assert browser.get(f"/admin/delivery/watch/{dispatch.pk}/").status_code == (200 if permission else 403)
    assert Client().post(paths[1]).status_code == 302
    dispatch.refresh_from_db()
    assert dispatch.state == "preparing"


@pytest.mark.parametrize("count", [1, 3])
def test_watch_page_costs_the_same_however_many_readers(
    draft: Issue, editor: Client, count: int, django_assert_num_queries
) -> None:
    factories.readers(draft.newsletter, count)
    dispatch = preparation.start(draft)
    preparation.prepare(dispatch.pk)

    with django_assert_num_queries(4):  # session, user, dispatch, balance
        editor.get(f"/admin/delivery/watch/{dispatch.pk}/progress/")
