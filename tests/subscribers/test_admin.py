from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from newsletter.models import Newsletter
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


@pytest.mark.parametrize("model", ["subscriber", "subscription", "suppression"])
@pytest.mark.parametrize("count", [1, 3])
def test_lists_cost_the_same_however_many_rows(
    daily: Newsletter, desk: Client, model: str, count: int, django_assert_max_num_queries
) -> None:
    factories.readers(daily, count)

    with django_assert_max_num_queries(6):
        assert desk.get(f"/admin/subscribers/{model}/").status_code == 200
