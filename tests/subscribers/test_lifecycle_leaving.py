"""Leaving, taking it back, and being deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import consent, lifecycle, signals
from subscribers.consent import Circumstances, Kind, Method
from subscribers.models import (
    ConsentEvent,
    Letter,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
)
from tests import factories
from tests.subscribers.happening import ADA, BY_LINK, Status, happened


def test_unsubscribe_tells_once_and_carries_the_mark(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)
    heard = []

    def listen(sender: Any, subscription: Subscription, via: str, **kwargs: Any) -> None:
        heard.append((subscription.pk, via))

    signals.unsubscribed.connect(listen)
    try:
        changed = [lifecycle.unsubscribe(ada, via="42", circumstances=BY_LINK) for _ in range(2)]
    finally:
        signals.unsubscribed.disconnect(listen)

    event = ConsentEvent.objects.get()
    assert (changed, heard, ada.status) == ([True, False], [(ada.pk, "42")], Status.UNSUBSCRIBED)
    assert (event.kind, event.method, event.network, event.agent, event.details) == (
        "left",
        "link",
        "192.0.2.0/24",
        "Firefox",
        {"dispatch": "42"},
    )


def test_unsubscribe_writes_twice_and_reads_nothing(daily: Newsletter, django_assert_num_queries) -> None:
    ada, *_ = factories.cast(daily)
    bare = Subscription.objects.get(pk=ada.pk)

    with django_assert_num_queries(4):  # savepoint, update, insert, release
        lifecycle.unsubscribe(bare)


@pytest.mark.parametrize("status", ["pending", "active", "paused"])
def test_take_back_restores_what_they_were(daily: Newsletter, status: str) -> None:
    ada = factories.subscription(daily, ADA, status=status, frequency="weekdays")
    before = (ada.status, ada.paused_until, ada.confirmed_at, ada.frequency, ada.unsubscribed_at)
    lifecycle.unsubscribe(ada, circumstances=BY_LINK)

    changed = [
        lifecycle.take_back(ada, left_at=left_at, kind=Kind.CAME_BACK, circumstances=BY_LINK)
        for left_at in [ada.unsubscribed_at] * 2
    ]

    assert changed == [True, False]
    assert (ada.status, ada.paused_until, ada.confirmed_at, ada.frequency, ada.unsubscribed_at) == before
    assert happened(ada) == ["left", "came_back"]


@pytest.mark.parametrize("method", [Method.ONE_CLICK, Method.MAIL, Method.MANAGE, Method.EDITOR])
def test_only_a_press_of_the_pages_button_is_taken_back(daily: Newsletter, method: Method) -> None:
    ada = factories.subscription(daily, ADA)
    for _ in range(2):  # as a mailbox provider does that had no answer
        lifecycle.unsubscribe(ada, circumstances=Circumstances(method))
    left_at = ada.unsubscribed_at
    assert left_at

    assert not lifecycle.take_back(ada, left_at=left_at, kind=Kind.CAME_BACK, circumstances=BY_LINK)
    assert happened(ada) == ["left"]


@pytest.mark.parametrize(
    ("by", "is_later", "is_another"),
    [
        (Circumstances(Method.ONE_CLICK, network="192.0.2.0/24"), False, True),
        (Circumstances(Method.MAIL), False, True),
        (Circumstances(Method.MANAGE, network="192.0.2.0/24"), False, True),
        (consent.at_the_desk("eve"), False, True),
        (Circumstances(Method.LINK, network="198.51.100.0/24"), False, True),
        (BY_LINK, True, True),
        (BY_LINK, False, False),
    ],
)
def test_leaving_after_a_press_of_the_button_is_for_good(
    daily: Newsletter, by: Circumstances, is_later: bool, is_another: bool
) -> None:
    """A friend had pressed it in a forwarded mail, or a machine."""
    ada = factories.subscription(daily, ADA)
    minutes = timedelta(minutes=6 if is_later else 4)
    with mock.patch("django.utils.timezone.now", return_value=timezone.now() - minutes):
        lifecycle.unsubscribe(ada, circumstances=BY_LINK)
    left_at = ada.unsubscribed_at
    assert left_at

    told = [lifecycle.unsubscribe(ada, circumstances=by) for _ in range(2)]

    back = lifecycle.take_back(ada, left_at=left_at, kind=Kind.BROUGHT_BACK, circumstances=BY_LINK)
    assert (told, back) == ([False, False], not is_another)
    assert happened(ada) == (["left", "left"] if is_another else ["left", "brought_back"])


@pytest.mark.parametrize("what", ["left again", "too late", "confirmed", "lapsed", *Suppression.Reason])
def test_take_back_is_over(daily: Newsletter, what: str) -> None:
    ada = factories.subscription(daily, ADA)
    lifecycle.unsubscribe(ada, circumstances=BY_LINK)
    left_at = ada.unsubscribed_at
    assert left_at
    match what:
        case "left again":
            lifecycle.take_back(ada, left_at=left_at, kind=Kind.CAME_BACK, circumstances=BY_LINK)
            lifecycle.unsubscribe(ada, circumstances=BY_LINK)
        case "too late":
            left_at -= lifecycle.UNDO_LIFE
            Subscription.objects.update(unsubscribed_at=left_at)
        case "confirmed":
            again = lifecycle.subscribe(daily, email=ADA)
            assert lifecycle.confirm(again, generation=again.generation)
        case "lapsed":
            Subscription.objects.update(left_as="")
        case reason:
            lifecycle.suppress(ADA, reason=Suppression.Reason(reason))
    before = Subscription.objects.values("status", "unsubscribed_at", "left_as").get()

    assert not lifecycle.take_back(ada, left_at=left_at, kind=Kind.BROUGHT_BACK, circumstances=BY_LINK)
    assert Subscription.objects.values("status", "unsubscribed_at", "left_as").get() == before


def test_erased_reader_leaves_a_hash_and_the_counts_of_the_ledger(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)
    SignUp.objects.create(email=ADA, posted_at=timezone.now())
    lifecycle.unsubscribe(ada, circumstances=BY_LINK)

    lifecycle.erase(ada.subscriber)

    assert not Subscriber.objects.filter(email=ADA).exists()
    assert (SignUp.objects.count(), ConsentEvent.objects.count(), Letter.objects.count()) == (0, 0, 0)
    assert Suppression.objects.get().reason == Suppression.Reason.REQUEST
    again = lifecycle.subscribe(daily, email=ADA)
    assert lifecycle.confirm(again, generation=1) is True
    assert Subscription.objects.mailable(daily).get() == again
