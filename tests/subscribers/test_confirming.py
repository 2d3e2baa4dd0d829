"""The page behind the confirmation mail: what it asks, what a press does, and what a link from before does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import letters, lifecycle, tokens
from subscribers.models import ConsentEvent, Letter, Subscription, Suppression
from tests import factories

Status = Subscription.Status
Kind = Letter.Kind


@pytest.fixture
def bob(daily: Newsletter) -> Subscription:
    return factories.subscription(daily, "bob@example.com", status="pending")


@pytest.fixture
def weekly(bob: Subscription) -> Subscription:
    """Bob's wish for another newsletter."""
    other = factories.newsletter("weekly", name="The Weekly")
    return factories.subscription(other, "bob@example.com", status="pending")


def page(*subscriptions: Subscription) -> str:
    return f"/s/confirm/{tokens.confirm_token(*subscriptions)}/"


def statuses() -> list[str]:
    return list(Subscription.objects.order_by("pk").values_list("status", flat=True))


def expire(monkeypatch: pytest.MonkeyPatch) -> None:
    later = (timezone.now() + tokens.CONFIRM_LIFE + timedelta(minutes=1)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)


def test_looking_changes_nothing_and_pressing_confirms_once(bob: Subscription) -> None:
    browser = Client()

    looked = [browser.get(page(bob)), browser.head(page(bob))]
    before = statuses()
    pressed = [browser.post(page(bob)) for _ in range(2)]

    assert [answer.status_code for answer in [*looked, *pressed]] == [200] * 4
    assert (before, statuses()) == ([Status.PENDING], [Status.ACTIVE])
    assert ("Welcome aboard" in pressed[0].text, "already on the list" in pressed[1].text) == (True, True)
    assert ConsentEvent.objects.filter(kind="confirmed", method="link").count() == 1
    assert Letter.objects.filter(kind=Kind.WELCOME).count() == 1


def test_confirming_under_a_complaint_says_that_nothing_comes(bob: Subscription) -> None:
    lifecycle.suppress("bob@example.com", reason=Suppression.Reason.COMPLAINT)

    told = [Client().post(page(bob)).text for _ in range(2)]

    assert ["One of our mails was reported as spam from this address" in text for text in told] == [True] * 2
    assert not any("Welcome aboard" in text or "on the list" in text for text in told)


def test_link_that_is_over_in_the_moment_of_the_press_says_so(
    bob: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm = lifecycle.confirm

    def too_late(subscription: Subscription, **given: Any) -> bool:
        lifecycle.unsubscribe(Subscription.objects.get(pk=subscription.pk))
        return confirm(subscription, **given)

    monkeypatch.setattr(lifecycle, "confirm", too_late)

    answer = Client().post(page(bob))

    assert (answer.status_code, statuses()) == (410, [Status.UNSUBSCRIBED])


def test_page_masks_the_address_and_is_for_no_search_engine(bob: Subscription) -> None:
    answer = Client().get(page(bob))

    assert "b…@e….com" in answer.text
    assert "bob@example.com" not in answer.text
    assert answer["X-Robots-Tag"] == "noindex"
    assert "no-store" in answer["Cache-Control"]


def test_pressing_needs_no_cookie(bob: Subscription) -> None:
    answer = Client(enforce_csrf_checks=True).post(page(bob))

    assert (answer.status_code, statuses()) == (200, [Status.ACTIVE])


def test_one_press_confirms_all_that_the_mail_named(bob: Subscription, weekly: Subscription) -> None:
    browser = Client()

    asked = browser.get(page(bob, weekly)).text
    told = browser.post(page(bob, weekly)).text

    assert "The Weekly" in asked
    assert "The Weekly" in told
    assert statuses() == [Status.ACTIVE] * 2


def test_what_was_asked_for_since_is_offered_and_taken_along_only_when_ticked(
    bob: Subscription, weekly: Subscription
) -> None:
    browser = Client()

    asked = browser.get(page(bob)).text
    told = browser.post(page(bob)).text
    unticked = statuses()
    browser.post(page(bob), {"along": [letters.pair(weekly)]})

    box = f'<input type="checkbox" name="along" value="{letters.pair(weekly)}">'
    assert box in asked
    assert box in told
    assert (unticked, statuses()) == ([Status.ACTIVE, Status.PENDING], [Status.ACTIVE] * 2)


def test_link_takes_along_nobody_elses_wish(bob: Subscription) -> None:
    eve = factories.subscription(bob.newsletter, "eve@example.com", status="pending")

    Client().post(page(bob), {"along": [letters.pair(eve), "0.0", "x"]})

    assert statuses() == [Status.ACTIVE, Status.PENDING]


def test_link_from_before_the_reader_left_brings_nobody_back(bob: Subscription) -> None:
    path = page(bob)
    lifecycle.confirm(bob, generation=1)
    lifecycle.unsubscribe(bob)

    left = Client().post(path)
    lifecycle.subscribe(bob.newsletter, email="bob@example.com")
    again = Client().post(path)

    assert (left.status_code, again.status_code, statuses()) == (410, 410, [Status.PENDING])


def test_expired_link_offers_a_fresh_one_which_comes_to_the_same_address(
    bob: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = page(bob)
    expire(monkeypatch)
    browser = Client()

    looked, pressed = browser.get(path), browser.post(path)
    before = Letter.objects.count()
    asked = [browser.post(f"{path}again/") for _ in range(2)]

    assert (looked.status_code, pressed.status_code, statuses()) == (410, 410, [Status.PENDING])
    assert f'action="{path}again/"' in looked.text
    assert [answer.status_code for answer in asked] == [200, 200]
    assert "bob@example.com" not in asked[0].text
    assert (before, Letter.objects.filter(kind=Kind.CONFIRMATION).count()) == (0, 1)


def test_page_that_mailed_a_fresh_link_can_be_opened_again(bob: Subscription) -> None:
    answer = Client().get(f"{page(bob)}again/?language=de")

    assert (answer.status_code, answer["Location"]) == (302, f"{page(bob)}?language=de")
    assert not Letter.objects.exists()


def test_expired_link_of_a_reader_mails_nothing(bob: Subscription, monkeypatch: pytest.MonkeyPatch) -> None:
    path = page(bob)
    Subscription.objects.update(status=Status.ACTIVE, confirmed_at=timezone.now())
    expire(monkeypatch)

    looked, asked = Client().get(path), Client().post(f"{path}again/")

    assert (looked.status_code, asked.status_code, Letter.objects.count()) == (410, 200, 0)
    assert "again/" not in looked.text


def test_link_of_a_deleted_person_and_of_a_test_mail_are_calm_pages(bob: Subscription) -> None:
    path = page(bob)
    nobody = Subscription(pk=tokens.NOBODY, generation=1)
    bob.subscriber.delete()

    deleted = [Client().get(path), Client().post(path), Client().post(f"{path}again/")]
    test = [Client().get(page(nobody)), Client().post(page(nobody))]

    assert [answer.status_code for answer in deleted] == [404] * 3
    assert [answer.status_code for answer in test] == [200] * 2
    assert "Nothing was changed" in test[1].text


def test_pages_cost_the_same_however_many_newsletters_are_named(
    bob: Subscription, django_assert_num_queries
) -> None:
    many = [
        factories.subscription(factories.newsletter(f"n{number}"), "bob@example.com", status="pending")
        for number in range(5)
    ]

    with django_assert_num_queries(2):
        Client().get(page(bob))
    with django_assert_num_queries(2):
        Client().get(page(bob, *many))
