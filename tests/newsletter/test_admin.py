from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from lxml import html

from newsletter import publishing, revisions
from newsletter.forms import LARGEST_BODY
from newsletter.models import Issue, Newsletter
from tests import factories


@pytest.fixture
def desk(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("editor"))
    return client


def change(issue: Issue) -> str:
    return f"/admin/newsletter/issue/{issue.pk}/change/"


def fields(page: str, model: str) -> dict[str, str]:
    """What the browser would send back of a form as it came."""
    return dict(html.fromstring(page).get_element_by_id(f"{model}_form").fields)


def opened(desk: Client, path: str, model: str = "issue") -> dict[str, str]:
    """A browser does not send boxes without a tick."""
    form = html.fromstring(desk.get(path).text).get_element_by_id(f"{model}_form")
    boxes = {box.name for box in form.inputs if getattr(box, "checkable", False) and not box.checked}
    return {name: value or "" for name, value in form.fields.items() if name not in boxes}


def test_send_saves_what_stands_in_the_form_first(draft: Issue, desk: Client) -> None:
    form = opened(desk, change(draft)) | {"subject": "Written just now", "_send": "Send…"}

    answer = desk.post(change(draft), form)

    draft.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/desk/issues/{draft.pk}/check/")
    assert draft.subject == "Written just now"


def test_send_from_an_empty_form_adds_the_issue_first(daily: Newsletter, desk: Client) -> None:
    path = "/admin/newsletter/issue/add/"
    form = opened(desk, path) | {"subject": "Tides", "slug": "tides", "_send": "Send…"}

    answer = desk.post(path, form)

    issue = Issue.objects.get(newsletter=daily)
    assert answer["Location"] == f"/admin/desk/issues/{issue.pk}/check/"


def test_send_with_an_error_in_the_form_goes_nowhere(draft: Issue, desk: Client) -> None:
    answer = desk.post(change(draft), opened(desk, change(draft)) | {"subject": "", "_send": "Send…"})

    assert answer.status_code == 200
    assert "This field is required." in answer.text


def test_second_of_two_editors_chooses_and_loses_nothing(draft: Issue, desk: Client) -> None:
    ben = User.objects.create_user("ben", first_name="Ben")
    mine = opened(desk, change(draft)) | {"subject": "Mine", "body": "<p>My words</p>"}
    revisions.save(draft, by=ben, changes={"subject": "Theirs"})

    warned = desk.post(change(draft), mine)

    draft.refresh_from_db()
    again = fields(warned.text, "issue")
    assert draft.subject == "Theirs"
    assert "Ben saved this issue at " in warned.text
    assert "<del>Theirs</del>" in warned.text
    assert "<ins>Mine</ins>" in warned.text
    assert (again["subject"], again["body"].strip()) == ("Mine", "<p>My words</p>")
    assert [each.content["subject"] for each in draft.revisions.all()[:2]] == ["Mine", "Theirs"]

    desk.post(change(draft), {name: value or "" for name, value in again.items()})

    draft.refresh_from_db()
    assert (draft.subject, draft.body) == ("Mine", "<p>My words</p>")
    assert list(draft.revisions.values_list("number", "kind")[:2]) == [(3, "saved"), (2, "saved")]


def test_taking_theirs_keeps_mine_among_the_revisions(draft: Issue, desk: Client) -> None:
    mine = opened(desk, change(draft)) | {"subject": "Mine"}
    revisions.save(draft, by=None, changes={"subject": "Theirs"})
    page = html.fromstring(desk.post(change(draft), mine).text)

    theirs = page.xpath("//button[normalize-space()='Take theirs']")[0]
    answer = desk.post(theirs.get("formaction"), {theirs.get("name"): theirs.get("value")}, follow=True)

    assert opened(desk, change(draft))["subject"] == "Theirs"
    assert "The issue stays as it is." in answer.text
    assert draft.revisions.values_list("kind", flat=True)[0] == "dropped"


def test_form_of_a_deleted_issue_becomes_a_new_one(draft: Issue, desk: Client) -> None:
    path = change(draft)
    form = opened(desk, path) | {"subject": "Saved in time"}
    draft.delete()

    answer = desk.post(path, form, follow=True)

    assert Issue.objects.get().subject == "Saved in time"
    assert "This issue was deleted meanwhile. Your words become a new one." in answer.text


def test_form_opened_before_publication_corrects_the_page_only(draft: Issue, desk: Client) -> None:
    form = opened(desk, change(draft)) | {"subject": "Corrected", "slug": "elsewhere"}
    publishing.publish(draft)
    slug = draft.slug

    answer = desk.post(change(draft), form, follow=True)

    draft.refresh_from_db()
    assert (draft.status, draft.subject, draft.slug) == ("sent", "Corrected", slug)
    assert "The page on the web is corrected; mails that went out stay as they are." in answer.text


def test_errors_stand_at_their_fields_and_the_text_in_the_form(draft: Issue, desk: Client) -> None:
    body = "<p>" + "é" * LARGEST_BODY + "</p>"
    form = opened(desk, change(draft)) | {"subject": "x" * 500, "body": body, "authors": "A\x00"}

    page = html.fromstring(desk.post(change(draft), form).text)

    said = {
        name: page.find_class(f"field-{name}")[0].find_class("errorlist")[0].text_content().strip()
        for name in ("subject", "body", "authors")
    }
    assert said["subject"] == "Ensure this value has at most 200 characters (it has 500)."
    assert said["body"].startswith("The text is too long to be mailed")
    assert said["authors"] == "Null characters are not allowed."
    assert page.get_element_by_id("id_subject").value == "x" * 500
    assert page.get_element_by_id("id_body").text.strip() == body


def test_new_issue_begins_with_its_newsletter_and_its_writer(daily: Newsletter, desk: Client) -> None:
    weekly = factories.newsletter("weekly")
    User.objects.update(first_name="Ada", last_name="Lovelace")
    revisions.create(Issue(newsletter=weekly, subject="x", slug="x"), by=User.objects.get())

    form = opened(desk, "/admin/newsletter/issue/add/")

    assert (form["newsletter"], form["authors"]) == (str(weekly.pk), "Ada Lovelace")


def test_list_of_issues_is_quick_and_asks_little(
    daily: Newsletter, desk: Client, django_assert_max_num_queries: Any
) -> None:
    Issue.objects.bulk_create(
        Issue(newsletter=daily, subject=f"Issue {number}", slug=f"issue-{number}", body="x" * 30_000)
        for number in range(60)
    )
    desk.get("/admin/newsletter/issue/")

    with django_assert_max_num_queries(12):
        page = desk.get("/admin/newsletter/issue/")

    assert page.text.count("badge-draft") == 50


def test_issue_is_added_to_the_only_newsletter_and_without_icons(daily: Newsletter, desk: Client) -> None:
    page = desk.get("/admin/newsletter/issue/add/").text

    assert fields(page, "issue")["newsletter"] == str(daily.pk)
    assert "related-widget-wrapper" not in page


def test_of_two_newsletters_none_is_chosen_beforehand(daily: Newsletter, desk: Client) -> None:
    factories.newsletter("weekly")

    assert opened(desk, "/admin/newsletter/issue/add/")["newsletter"] == ""


def test_what_went_out_is_not_offered_for_deleting(draft: Issue, desk: Client) -> None:
    newsletter = f"/admin/newsletter/newsletter/{draft.newsletter_id}/change/"

    assert "deletelink" in desk.get(change(draft)).text
    publishing.publish(draft)

    assert "deletelink" not in desk.get(change(draft)).text + desk.get(newsletter).text
    for model in ("issue", "newsletter"):
        assert "delete_selected" not in desk.get(f"/admin/newsletter/{model}/").text
    assert desk.post(f"/admin/newsletter/issue/{draft.pk}/delete/", {"post": "yes"}).status_code == 403


def test_language_is_one_that_can_be_spoken(daily: Newsletter, desk: Client) -> None:
    path = f"/admin/newsletter/newsletter/{daily.pk}/change/"
    form = opened(desk, path, "newsletter")

    refused = desk.post(path, form | {"language": "klingon"})
    taken = desk.post(path, form | {"language": "ko", "shows_reader_count": "on"})

    daily.refresh_from_db()
    assert (refused.status_code, taken.status_code, daily.language) == (200, 302, "ko")
    assert "klingon is not one of the available choices" in refused.text


def test_owners_are_chosen_among_the_team(daily: Newsletter, desk: Client) -> None:
    ada = User.objects.create_user("ada", is_staff=True)
    bob = User.objects.create_user("bob", is_staff=True)
    guest = User.objects.create_user("guest")
    path = f"/admin/newsletter/newsletter/{daily.pk}/change/"
    form = opened(desk, path, "newsletter")

    taken = desk.post(path, form | {"owners": [ada.pk, bob.pk]})
    refused = desk.post(path, form | {"owners": [guest.pk]})

    assert (taken.status_code, refused.status_code) == (302, 200)
    assert list(daily.owners.order_by("pk")) == [ada, bob]


def test_postal_address_typed_in_lines_is_stored_as_one(daily: Newsletter, desk: Client) -> None:
    path = f"/admin/newsletter/newsletter/{daily.pk}/change/"

    desk.post(
        path, opened(desk, path, "newsletter") | {"postal_address": "The Daily,\r\n 1 Quay\r\n\r\nTown"}
    )

    daily.refresh_from_db()
    assert daily.postal_address == "The Daily, 1 Quay, Town"


@pytest.mark.parametrize(
    ("address", "signature"),
    [
        ("The Daily, 1 Quay Street", "The Daily, 1 Quay Street"),
        ("Harbour Press, 1 Quay Street", "The Daily\nHarbour Press, 1 Quay Street"),
    ],
)
def test_signature_says_the_name_once(address: str, signature: str) -> None:
    assert Newsletter(name="The Daily", postal_address=address).signature == signature
