"""Both ends of a change of address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from subscribers import changing_address, letters
from subscribers.changing_address import State
from subscribers.consent import Circumstances, Method
from subscribers.models import AddressChange, Letter, Subscriber, Subscription

OLD, NEW = "ada@example.com", "ada@new.example"
BY_LINK = Circumstances(Method.LINK, network="192.0.2.0/24")


@pytest.fixture
def change(ada: Subscription) -> AddressChange:
    asked = changing_address.ask(ada.subscriber, new_email=NEW, now=timezone.now())
    assert asked
    return asked


def agree(change: AddressChange, end: str, *, after: timedelta = timedelta()) -> State:
    now = timezone.now() + after
    return changing_address.agree(change.pk, end=end, now=now, circumstances=BY_LINK)


def address(subscription: Subscription) -> str:
    return Subscriber.objects.get(pk=subscription.subscriber_id).email


def send_all() -> None:
    for letter in Letter.objects.filter(due_at__lte=timezone.now()):
        letters.send_due(letter.pk, now=timezone.now())
