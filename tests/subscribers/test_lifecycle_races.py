"""The same reader, from several sides at the same moment."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import bursts, forgetting, lifecycle, sign_ups, signals
from subscribers.consent import AT_THE_DESK, Circumstances, Kind, Method
from subscribers.models import ConsentEvent, KeptOut, Letter, SignUp, Subscriber, Subscription
from tests import factories
from tests.subscribers.leaving import path_of
from tests.subscribers.together import together

pytestmark = pytest.mark.django_db(transaction=True)

ADA = "ada@example.com"
BY_LINK = Circumstances(Method.LINK)


@pytest.fixture
def daily() -> Newsletter:
    return factories.newsletter()


def posted(*newsletters: Newsletter) -> SignUp:
    shown = dict.fromkeys((each.pk for each in newsletters), None)
    return sign_ups.note(ADA, newsletters=shown, wish=lifecycle.Wish(), circumstances=BY_LINK)


def test_one_sign_up_that_two_workers_take_in_is_taken_in_once(daily: Newsletter) -> None:
    sign_up = posted(daily)

    taken = together(*[lambda: sign_ups.take_in(sign_up.pk)] * 4)

    assert sorted(taken) == [False, False, False, True]
    assert ConsentEvent.objects.count() == Letter.objects.count() == 1


def test_sign_ups_of_the_same_address_take_turns(daily: Newsletter) -> None:
    weekly = factories.newsletter("weekly")
    waiting = [posted(daily, weekly), posted(weekly, daily), posted(daily), posted(weekly)]

    together(*[lambda pk=each.pk: sign_ups.take_in(pk) for each in waiting])

    assert (Subscriber.objects.count(), Subscription.objects.count()) == (1, 2)
    assert (ConsentEvent.objects.count(), Letter.objects.filter(kind="confirmation").count()) == (6, 1)


def test_confirming_and_leaving_at_once_end_in_what_the_events_say(daily: Newsletter) -> None:
    ada = lifecycle.subscribe(daily, email=ADA)
    mine, theirs = (Subscription.objects.get(pk=ada.pk) for _ in range(2))

    together(
        lambda: lifecycle.confirm(mine, generation=1, circumstances=BY_LINK),
        lambda: lifecycle.unsubscribe(theirs, circumstances=BY_LINK),
        lambda: lifecycle.subscribe(daily, email=ADA),
    )

    ada.refresh_from_db()
    told = [kind for kind in ConsentEvent.objects.values_list("kind", flat=True) if kind in ("asked", "left")]
    assert ada.status in ({"unsubscribed"} if told[-1] == "left" else {"pending", "unsubscribed"})
    assert ada.status != "active"


def test_undo_pressed_twice_brings_back_once(daily: Newsletter) -> None:
    ada = factories.subscription(daily, ADA)
    lifecycle.unsubscribe(ada, circumstances=BY_LINK)
    left_at = ada.unsubscribed_at
    assert left_at
    copies = [Subscription.objects.get(pk=ada.pk) for _ in range(4)]

    changed = together(
        *[
            lambda each=each: lifecycle.take_back(
                each, left_at=left_at, kind=Kind.CAME_BACK, circumstances=BY_LINK
            )
            for each in copies
        ]
    )

    assert sorted(changed) == [False, False, False, True]
    assert list(ConsentEvent.objects.values_list("kind", flat=True)) == ["left", "came_back"]


def test_erasing_waits_for_a_leaving_that_is_being_written_down(daily: Newsletter) -> None:
    """Its event would name a person who is not there any more."""
    ada = factories.subscription(daily, ADA)
    has_left = threading.Event()

    def leave() -> None:
        with transaction.atomic():
            lifecycle.unsubscribe(ada, circumstances=BY_LINK)
            has_left.set()
            time.sleep(0.3)

    def erase() -> None:
        has_left.wait(10)
        lifecycle.erase(Subscriber.objects.get(email=ADA))

    together(leave, erase)

    assert (Subscriber.objects.count(), ConsentEvent.objects.count()) == (0, 0)


def test_forgetting_does_not_wait_for_a_leaving_that_waits_for_the_person(daily: Newsletter) -> None:
    """Each would hold what the other asks for, and the reader's page would fail."""
    bob = factories.subscription(daily, "bob@example.com", status="pending")
    now = timezone.now()
    has_left = threading.Event()

    def leave() -> None:
        with transaction.atomic():
            lifecycle.unsubscribe(bob, circumstances=BY_LINK)
            has_left.set()
            time.sleep(0.5)

    def forget() -> int:
        has_left.wait(10)
        until = now + timedelta(minutes=1)
        return forgetting.forget(now=now + timedelta(days=31), until=until).unconfirmed

    assert together(leave, forget) == [None, 0]
    assert list(ConsentEvent.objects.values_list("kind", flat=True)) == ["left"]
    assert Subscription.objects.get().status == "unsubscribed"


def test_leaving_is_answered_though_they_are_erased_at_that_moment(daily: Newsletter, client: Client) -> None:
    Newsletter.objects.update(says_goodbye=True)
    ada = factories.subscription(daily, ADA)

    def erase(**kwargs: object) -> None:
        lifecycle.erase(Subscriber.objects.get(email=ADA))

    signals.unsubscribed.connect(erase)
    try:
        answer = client.post(path_of(ada))
    finally:
        signals.unsubscribed.disconnect(erase)

    assert (answer.status_code, "Done. You are unsubscribed." in answer.text) == (200, True)
    assert (Subscriber.objects.count(), Letter.objects.count()) == (0, 0)


def test_who_was_erased_since_somebody_looked_is_not_brought_back(daily: Newsletter) -> None:
    lifecycle.unsubscribe(factories.subscription(daily, ADA), circumstances=BY_LINK)
    leaving = ConsentEvent.objects.get()
    lifecycle.erase(Subscriber.objects.get(email=ADA))

    assert not bursts._take_back(leaving, AT_THE_DESK)


def test_forgetting_by_two_at_once_forgets_once(daily: Newsletter) -> None:
    for number in range(6):
        factories.subscription(daily, f"r{number}@example.com", status="unsubscribed")
    now = timezone.now()

    found = together(
        *[
            lambda: forgetting.forget(now=now + timedelta(days=400), until=now + timedelta(minutes=1)).left
            for _ in range(2)
        ]
    )

    assert (sum(found), Subscriber.objects.count(), KeptOut.objects.count()) == (6, 0, 6)


@pytest.mark.parametrize(("is_known", "most"), [(False, 26), (True, 22)])
def test_taking_in_costs_few_statements(daily: Newsletter, is_known: bool, most: int) -> None:
    if is_known:
        factories.subscription(daily, ADA)
    sign_up = posted(daily)

    with CaptureQueriesContext(
        connection,
    ) as found:
        sign_ups.take_in(sign_up.pk)

    assert len(found) <= most, "\n".join(each["sql"][:100] for each in found)
