from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from newsletter.models import Member, Newsletter, ReaderField
from subscribers.models import Subscriber, Subscription, Suppression, address_key
from tests import factories


@pytest.fixture
def desk(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("editor"))
    return client


def test_adding_a_subscription_by_hand_still_asks_the_reader(daily: Newsletter, desk: Client) -> None:
    desk.post("/admin/subscribers/subscriber/add/", form({"email": "Ada@Example.com", "first_name": "Ada"}))
    ada = Subscriber.objects.get()
    desk.post("/admin/subscribers/subscription/add/", {"email": "ADA@example.com", "newsletter": daily.pk})

    subscription = Subscription.objects.get()
    assert (ada.email, ada.address_key) == ("ada@example.com", address_key("ada@example.com"))
    assert (subscription.status, subscription.origin) == ("pending", "admin")
    assert subscription.mail_due_at is not None


def form(fields: dict[str, str]) -> dict[str, str]:
    prefix = "subscriptions"
    return {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0", **fields}


def test_deleting_a_person_leaves_the_hash_that_keeps_imports_away(daily: Newsletter, desk: Client) -> None:
    ada, *_ = factories.cast(daily)

    answer = desk.post(f"/admin/subscribers/subscriber/{ada.subscriber_id}/delete/", {"post": "yes"})

    assert answer.status_code == 302
    assert not Subscriber.objects.filter(email="ada@example.com").exists()
    assert Suppression.objects.get().address_key == address_key("ada@example.com")


def test_suppression_is_added_and_found_by_its_whole_address_only(daily: Newsletter, desk: Client) -> None:
    desk.post("/admin/subscribers/suppression/add/", {"email": "Eve@example.com", "reason": "request"})

    key = Suppression.objects.get().address_key
    assert key == address_key("eve@example.com")
    assert key in desk.get("/admin/subscribers/suppression/?q=eve@example.com").text
    assert key not in desk.get("/admin/subscribers/suppression/?q=eve").text


def test_what_a_newsletter_knows_of_a_reader_is_seen_and_mended(daily: Newsletter, desk: Client) -> None:
    for name in ("town", "team", "email"):
        ReaderField.objects.create(newsletter=daily, name=name, label=name.title())
    known = {"town": "Harlem", "team": "Blue", "old": "kept"}
    reader = factories.subscription(daily, "ada@example.com", fields=known)
    path = f"/admin/subscribers/subscription/{reader.pk}/change/"

    page = desk.get(path).text
    refused = desk.post(path, {"known_town": "Haar\u2028lem", "known_team": "x" * 101})
    desk.post(path, {"known_town": "Haarlem", "known_team": "", "known_email": "second@example.com"})

    reader.refresh_from_db()
    assert 'name="known_town" value="Harlem"' in page
    assert set(refused.context["adminform"].form.errors) == {"known_town", "known_team"}
    assert reader.fields == {"town": "Haarlem", "email": "second@example.com", "old": "kept"}


def test_what_is_known_of_a_reader_is_only_read_by_whoever_only_sees_readers(daily: Newsletter) -> None:
    ReaderField.objects.create(newsletter=daily, name="town", label="Town")
    reader = factories.subscription(daily, "ada@example.com", fields={"town": "Haarlem"})
    user = User.objects.create_user("eve", is_staff=True)
    Member.objects.create(newsletter=daily, user=user, role="editor")
    path, browser = f"/admin/subscribers/subscription/{reader.pk}/change/", Client()
    browser.force_login(user)

    page = browser.get(path).text
    refused = browser.post(path, {"known_town": "Leiden"})

    reader.refresh_from_db()
    assert ("Town: Haarlem" in page, "known_town" in page) == (True, False)
    assert (refused.status_code, reader.fields) == (403, {"town": "Haarlem"})


@pytest.mark.parametrize("model", ["subscriber", "subscription", "suppression"])
@pytest.mark.parametrize("count", [1, 3])
def test_lists_cost_the_same_however_many_rows(
    daily: Newsletter, desk: Client, model: str, count: int, django_assert_max_num_queries
) -> None:
    factories.readers(daily, count)

    with django_assert_max_num_queries(6):
        assert desk.get(f"/admin/subscribers/{model}/").status_code == 200
