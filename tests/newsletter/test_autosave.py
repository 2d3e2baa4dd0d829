from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from newsletter import publishing, revisions
from newsletter.models import Issue, Member, Newsletter, Revision
from tests import factories

SOON = datetime(2030, 1, 1, tzinfo=UTC)
ADD = "/admin/newsletter/issue/autosave/"


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_superuser("ada", first_name="Ada", last_name="Lovelace")


@pytest.fixture
def desk(ada: User, client: Client) -> Client:
    client.force_login(ada)
    return client


def path(issue: Issue) -> str:
    return f"/admin/newsletter/issue/{issue.pk}/autosave/"


def words(issue: Issue, **fields: Any) -> dict[str, Any]:
    """What the page sends."""
    names = ("subject", "slug", "preheader", "authors", "tags", "visibility", "cover_alt", "body")
    stored = {name: getattr(issue, name) for name in names}
    return stored | {"newsletter": issue.newsletter_id, "version": issue.updated_at.isoformat()} | fields


def history(issue: Issue) -> list[tuple[str, str]]:
    rows = issue.revisions.order_by("number")
    return [(each.kind, each.content["subject"]) for each in rows]


def test_new_issue_is_made_once_it_has_a_subject(daily: Newsletter, ada: User, desk: Client) -> None:
    form = {"newsletter": daily.pk, "subject": "", "slug": "", "body": "<p>Words</p>"}

    waiting = desk.post(ADD, form).json()
    made = desk.post(ADD, form | {"subject": "Ebb & flood"}).json()

    issue = Issue.objects.get()
    assert waiting == {"waits": "Not saved yet: it needs a subject."}
    assert (made["url"], made["slug"]) == (f"/admin/newsletter/issue/{issue.pk}/change/", "ebb-flood")
    assert (issue.subject, issue.body, issue.edited_by) == ("Ebb & flood", "<p>Words</p>", ada)
    assert history(issue) == [("autosaved", "Ebb & flood")]


def test_new_issue_whose_first_answer_was_lost_is_not_made_twice(daily: Newsletter, desk: Client) -> None:
    form = {"newsletter": daily.pk, "subject": "Ebb", "slug": "ebb", "body": "<p>Words</p>"}

    first = desk.post(ADD, form | {"tab": "one"}).json()
    again = desk.post(ADD, form | {"tab": "one", "body": "<p>More words</p>"}).json()
    other = desk.post(ADD, form | {"tab": "two"}).json()

    issues = Issue.objects.order_by("pk").values_list("slug", "body")
    assert list(issues) == [("ebb", "<p>More words</p>"), ("ebb-2", "<p>Words</p>")]
    assert (again["url"], other["url"] == first["url"]) == (first["url"], False)


@pytest.mark.django_db(transaction=True)
def test_same_new_issue_four_times_at_once_is_made_once(daily: Newsletter, desk: Client) -> None:
    form = {"newsletter": daily.pk, "subject": "Ebb", "slug": "ebb", "body": "<p>Words</p>", "tab": "one"}
    ready = threading.Barrier(4)

    def post(_number: int) -> int:
        browser = Client()
        browser.cookies = desk.cookies
        ready.wait()
        try:
            return browser.post(ADD, form).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(post, range(4)))

    assert answers == [200, 200, 200, 200]
    assert Issue.objects.count() == 1


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 30, "one"])
def test_number_of_no_kept_text_goes_on_with_none(draft: Issue, desk: Client, number: str) -> None:
    publishing.schedule(draft, at=SOON)

    said = [desk.post(path(draft), words(draft, body=f"<p>{body}</p>", goes_on=number)) for body in "ab"]

    assert [each.status_code for each in said] == [200, 200]
    assert list(draft.revisions.values_list("kind", flat=True)) == ["kept", "dropped", "saved"]


def test_tab_of_any_name_is_a_tab(daily: Newsletter, draft: Issue, desk: Client) -> None:
    tab = {"tab": "o\0ne"}
    form = {"newsletter": daily.pk, "subject": "Ebb", "slug": "ebb", "body": "<p>Words</p>"}

    made = [desk.post(ADD, form | tab).json()["url"] for _ in range(2)]

    assert made[0] == made[1]
    assert desk.post(f"/admin/newsletter/issue/{draft.pk}/presence/", tab).status_code == 200


def test_valid_fields_are_saved_though_others_are_not(draft: Issue, desk: Client) -> None:
    was = draft.subject

    answer = desk.post(
        path(draft), words(draft, subject="x" * 500, preheader="Kept\x00", authors="Ada")
    ).json()

    draft.refresh_from_db()
    assert (draft.subject, draft.preheader, draft.authors) == (was, "Fifty minutes late, every day", "Ada")
    assert answer["errors"] == {
        "subject": ["Ensure this value has at most 200 characters (it has 500)."],
        "preheader": ["Null characters are not allowed."],
    }
    assert answer["version"] == draft.updated_at.isoformat()


def test_two_megabytes_are_refused_at_the_field(draft: Issue, desk: Client) -> None:
    was = draft.body

    answer = desk.post(path(draft), words(draft, body="<p>" + "é" * 2_000_000 + "</p>", authors="Ada"))

    draft.refresh_from_db()
    assert (answer.status_code, list(answer.json()["errors"])) == (200, ["body"])
    assert (draft.body, draft.authors) == (was, "Ada")


def test_second_of_two_writers_is_told_and_theirs_is_kept(draft: Issue, desk: Client) -> None:
    ben = User.objects.create_superuser("ben", first_name="Ben")
    mine = words(draft, subject="Mine")
    revisions.save(draft, by=ben, changes={"subject": "Ben's"})

    answer = desk.post(path(draft), mine)

    draft.refresh_from_db()
    assert answer.status_code == 409
    assert answer.json()["conflict"].startswith("Ben saved this issue at ")
    assert draft.subject == "Ben's"
    assert history(draft)[1:] == [("saved", "Ben's"), ("kept", "Mine")]


@pytest.mark.parametrize("settle", ["schedule", "publish"])
def test_what_is_settled_is_not_touched_but_the_words_are_kept(
    draft: Issue, ada: User, desk: Client, settle: str
) -> None:
    form = words(draft, subject="Another", body="<p>Another</p>")
    was = revisions.content(draft)
    if settle == "schedule":
        publishing.schedule(draft, at=SOON)
    else:
        publishing.publish(draft)

    first = desk.post(path(draft), form).json()
    second = desk.post(path(draft), form | {"subject": "Yet another", "goes_on": first["kept"]}).json()

    draft.refresh_from_db()
    assert revisions.content(draft) == was
    assert (first["version"], second["kept"]) == (form["version"], first["kept"])
    assert history(draft)[1:] == [("kept", "Yet another")]


def test_deleted_issue_is_said_to_be_gone(draft: Issue, desk: Client) -> None:
    form, address = words(draft), path(draft)
    draft.delete()

    answer = desk.post(address, form)

    assert answer.status_code == 404
    assert answer.json() == {
        "gone": "This issue was deleted. Your words are still here: Save makes a new issue of them."
    }


def test_newsletter_that_is_gone_is_said_at_its_field(draft: Issue, desk: Client) -> None:
    answer = desk.post(path(draft), words(draft, newsletter=99, authors="Ada")).json()

    draft.refresh_from_db()
    assert list(answer["errors"]) == ["newsletter"]
    assert draft.authors == "Ada"


def test_autosave_is_for_those_who_may_write_here(draft: Issue, client: Client) -> None:
    writer, other = (User.objects.create_user(name, is_staff=True) for name in ("writer", "other"))
    Member.objects.create(user=writer, newsletter=draft.newsletter, role="writer")
    Member.objects.create(user=other, newsletter=factories.newsletter("weekly"), role="publisher")
    form = words(draft, subject="New")

    answers = []
    for user in (other, writer):
        client.force_login(user)
        answers.append(client.post(path(draft), form).status_code)
    client.logout()
    answers.append(client.post(path(draft), form).status_code)

    assert answers == [404, 200, 302]
    assert client.get(path(draft)).status_code in {302, 405}


def test_address_follows_the_subject_until_somebody_chooses_it(draft: Issue, desk: Client) -> None:
    Issue.objects.update(subject="The ti", slug="the-ti")
    draft.refresh_from_db()

    first = desk.post(path(draft), words(draft, subject="The tide")).json()
    draft.refresh_from_db()
    desk.post(path(draft), words(draft, slug="chosen"))
    draft.refresh_from_db()
    last = desk.post(path(draft), words(draft, subject="Another tide")).json()

    assert (first["slug"], last["slug"]) == ("the-tide", "chosen")


def test_issue_without_subject_and_address_keeps_those_it_has(draft: Issue, desk: Client) -> None:
    before = (draft.subject, draft.slug)

    said = desk.post(path(draft), words(draft, subject="", slug="", preheader="Meanwhile")).json()

    draft.refresh_from_db()
    assert (draft.subject, draft.slug, draft.preheader) == (*before, "Meanwhile")
    assert (said["slug"], list(said["errors"])) == (draft.slug, ["subject"])


def test_address_chosen_for_a_scheduled_issue_is_kept_with_the_other_words(
    draft: Issue, desk: Client
) -> None:
    publishing.schedule(draft, at=SOON)

    answer = desk.post(path(draft), words(draft, slug="chosen")).json()

    draft.refresh_from_db()
    assert (answer["slug"], draft.slug) == ("chosen", "tides")


def test_old_copy_of_a_first_save_does_not_go_over_what_was_written_since(
    daily: Newsletter, desk: Client
) -> None:
    form = {"newsletter": daily.pk, "subject": "Ebb", "slug": "ebb", "body": "<p>Old</p>", "tab": "one"}
    url = desk.post(ADD, form).json()["url"]
    issue = Issue.objects.get()
    revisions.save(issue, by=issue.edited_by, kind=Revision.Kind.SAVED, changes={"body": "<p>Newer</p>"})

    answer = desk.post(ADD, form | {"body": "<p>Old, put back</p>"})

    issue.refresh_from_db()
    assert (answer.status_code, answer.json()["url"], issue.body) == (409, url, "<p>Newer</p>")
    kept = issue.revisions.filter(kind=Revision.Kind.KEPT).get()
    assert kept.content["body"] == "<p>Old, put back</p>"
