from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from lxml import html

from newsletter import publishing
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
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/delivery/send/{draft.pk}/")
    assert draft.subject == "Written just now"


def test_send_from_an_empty_form_adds_the_issue_first(daily: Newsletter, desk: Client) -> None:
    path = "/admin/newsletter/issue/add/"
    form = opened(desk, path) | {"subject": "Tides", "slug": "tides", "_send": "Send…"}

    answer = desk.post(path, form)

    assert answer["Location"] == f"/admin/delivery/send/{Issue.objects.get(newsletter=daily).pk}/"


def test_send_with_an_error_in_the_form_goes_nowhere(draft: Issue, desk: Client) -> None:
    answer = desk.post(change(draft), opened(desk, change(draft)) | {"subject": "", "_send": "Send…"})

    assert answer.status_code == 200
    assert "This field is required." in answer.text


def test_second_of_two_editors_is_told_once_and_loses_nothing(draft: Issue, desk: Client) -> None:
    mine = opened(desk, change(draft)) | {"subject": "Mine", "body": "<p>My words</p>"}
    desk.post(change(draft), opened(desk, change(draft)) | {"subject": "Theirs"})
    saved_at = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
    Issue.objects.update(updated_at=saved_at)

    warned = desk.post(change(draft), mine)

    draft.refresh_from_db()
    again = fields(warned.text, "issue")
    assert draft.subject == "Theirs"
    assert "Somebody saved this issue meanwhile (at 14:05)." in warned.text
    assert (again["subject"], again["body"].strip()) == ("Mine", "<p>My words</p>")

    desk.post(change(draft), {name: value or "" for name, value in again.items()})

    draft.refresh_from_db()
    assert (draft.subject, draft.body) == ("Mine", "<p>My words</p>")


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
