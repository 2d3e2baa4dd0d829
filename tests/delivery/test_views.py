from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from delivery import control, preparation
from delivery.links import unsubscribe_urls
from delivery.models import Delivery, Dispatch
from newsletter.models import Issue
from tests import factories
from tests.delivery.ledgers import ledger


@pytest.fixture
def editor(db: None) -> Client:
    cache.clear()  # a balance is kept for two seconds, by the dispatch's number
    User.objects.create_superuser("editor", password="courant")
    browser = Client(enforce_csrf_checks=False)
    browser.login(username="editor", password="courant")
    return browser


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

    path = f"/admin/delivery/watch/{dispatch.pk}/stop/"

    assert browser.post(path).status_code == 403
    assert browser.get(f"/admin/delivery/watch/{dispatch.pk}/").status_code == (200 if permission else 403)
    assert Client().post(path).status_code == 302
    dispatch.refresh_from_db()
    assert dispatch.state == "preparing"


@pytest.mark.parametrize("count", [1, 3])
def test_watch_page_costs_the_same_however_many_readers(
    draft: Issue, editor: Client, count: int, django_assert_num_queries
) -> None:
    factories.readers(draft.newsletter, count)
    dispatch = preparation.start(draft)
    preparation.prepare(dispatch.pk)

    # session, user, dispatch; balance, who carried it, speed; what it waits for: mailers, batches three times;
    # what else went out of the issue, what readers say
    with django_assert_num_queries(13):
        editor.get(f"/admin/delivery/watch/{dispatch.pk}/progress/")


def test_many_watch_pages_cost_one_balance(draft: Issue, editor: Client, django_assert_num_queries) -> None:
    factories.readers(draft.newsletter, 2)
    dispatch = preparation.start(draft)
    preparation.prepare(dispatch.pk)
    path = f"/admin/delivery/watch/{dispatch.pk}/progress/"
    first = editor.get(path)

    with django_assert_num_queries(3 * 3):  # session, user, dispatch
        pages = [editor.get(path) for _ in range(3)]

    assert 'hx-trigger="every 3s"' in first.text
    assert [page.context["balance"] for page in pages] == [first.context["balance"]] * 3


def test_balance_of_a_dispatch_that_does_not_run_is_never_old(draft: Issue, editor: Client) -> None:
    factories.readers(draft.newsletter, 2)
    dispatch = preparation.start(draft)
    preparation.prepare(dispatch.pk)
    path = f"/admin/delivery/watch/{dispatch.pk}/progress/"
    seen = [editor.get(path).context["balance"].pending]

    control.pause(dispatch.pk)
    for _ in range(2):
        Delivery.objects.filter(pk=Delivery.objects.filter(state="pending").first().pk).update(
            state="skipped", reason="unsubscribed"
        )
        seen.append(editor.get(path).context["balance"].pending)

    assert seen == [2, 1, 0]


def test_times_are_said_by_the_newsletters_clock_with_its_zone(draft: Issue, editor: Client) -> None:
    draft.newsletter.time_zone = "America/New_York"
    draft.newsletter.save(update_fields=["time_zone"])
    factories.cast(draft.newsletter)
    dispatch = preparation.start(draft)
    preparation.prepare(dispatch.pk)
    path = f"/admin/delivery/watch/{dispatch.pk}/"
    Dispatch.objects.update(state="sent", finished_at=datetime(2026, 11, 22, 4, 30, tzinfo=UTC))

    pages = [editor.get(path).text, editor.get(f"{path}progress/").text]

    assert [("finished on 21 November 2026, 23:30 EST" in page) for page in pages] == [
        True,
        True,
    ]


def test_watch_page_names_the_mailer_only_while_it_is_to_be_used(
    draft: Issue, editor: Client, settings
) -> None:
    factories.cast(draft.newsletter)
    dispatch = preparation.start(draft)
    preparation.prepare(dispatch.pk)
    path = f"/admin/delivery/watch/{dispatch.pk}/"
    settings.HAND_OVER = {"bulk": {"scheme": "postmark"}}

    assert "through Postmark" in editor.get(path).text

    control.stop(dispatch.pk)

    assert "through " not in editor.get(path).text


def test_who_may_only_watch_is_led_to_the_page_that_opens(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    dispatch = preparation.start(draft)
    watcher = User.objects.create_user("watcher", password="courant", is_staff=True)
    watcher.user_permissions.set(Permission.objects.filter(codename__in=["view_dispatch", "view_issue"]))
    browser = Client()
    browser.login(username="watcher", password="courant")

    page = browser.get(f"/admin/newsletter/issue/{draft.pk}/change/").text

    assert f'href="/admin/delivery/watch/{dispatch.pk}/"' in page
    assert f"/admin/desk/issues/{draft.pk}/send/" not in page
    assert browser.get(f"/admin/delivery/watch/{dispatch.pk}/").status_code == 200


def test_who_leaves_by_a_link_of_the_issue_is_counted_there(
    draft: Issue, editor: Client, django_capture_on_commit_callbacks: Any
) -> None:
    ada, *_ = factories.cast(draft.newsletter)
    dispatch = preparation.start(draft)
    link = unsubscribe_urls(dispatch.pk)(ada.pk).removeprefix("http://testserver")

    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            Client().post(link, {"List-Unsubscribe": "One-Click"})

    dispatch.refresh_from_db()
    assert dispatch.readers_left == 1
    assert "1 reader left" in editor.get(f"/admin/delivery/watch/{dispatch.pk}/").text


def test_ended_relatives_are_not_counted_again(draft: Issue, editor: Client) -> None:
    first = ledger(draft, accepted=4, failed=1, uncertain=2, pending=3)
    control.stop(first.pk)
    follow(first, to="rest")
    last = follow(first, to="correction")
    path = f"/admin/delivery/watch/{last.pk}/"

    with CaptureQueriesContext(connection) as asked:
        page = editor.get(path)

    tallies = [query for query in asked if query["sql"].startswith('SELECT "delivery_delivery"."state"')]
    assert (len(tallies), page.status_code) == (1, 200)
    assert "4 of 10 accepted, 1 failed, 2 uncertain" in page.text


def follow(first: Dispatch, *, to: str) -> Dispatch:
    found = Dispatch.objects.get(pk=first.pk)
    found.pk, found.audience, found.after, found.audience_size, found.state = None, to, first, 0, "sent"
    found.save(force_insert=True)
    return found


@pytest.mark.parametrize("page", ["", "uncertain/"])
def test_what_was_corrected_is_not_offered_to_be_sent_again(draft: Issue, editor: Client, page: str) -> None:
    first = ledger(draft, state="sent", accepted=4, failed=1, uncertain=2)
    path = f"/admin/delivery/watch/{first.pk}/{page}"
    words = "It has been corrected since, so nobody gets it as it was."
    before = editor.get(path).text
    follow(first, to="correction")

    after = editor.get(path).text

    buttons = [f"/{'again' if page else 'retry'}/" in text for text in (before, after)]
    assert (buttons, words in before, words in after) == ([True, False], False, True)
