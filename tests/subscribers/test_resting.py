"""Pauses, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import consent, lifecycle, resting
from subscribers.models import (
    ConsentEvent,
    Subscriber,
    Subscription,
)
from tests import factories
from tests.subscribers.happening import ADA, BY_LINK, Status, happened


def test_reader_who_was_deleted_meanwhile_pauses_nothing(daily: Newsletter) -> None:
    ada = factories.subscription(daily, ADA)
    lifecycle.erase(Subscriber.objects.get(email=ADA))

    until = timezone.now() + timedelta(days=1)
    assert not resting.pause(ada, until=until, circumstances=BY_LINK)
    assert not resting.choose(ada, Subscription.Frequency.WEEKLY, circumstances=BY_LINK)


def test_pause_choice_and_resumption_are_noted_once_each(daily: Newsletter) -> None:
    ada = factories.subscription(daily, ADA)
    until = timezone.now() + timedelta(days=14)
    weekly = Subscription.Frequency.WEEKLY

    answers = [
        resting.pause(ada, until=until, circumstances=BY_LINK),
        resting.resume(ada, circumstances=BY_LINK),
        resting.resume(ada, circumstances=BY_LINK),
        resting.choose(ada, weekly, circumstances=BY_LINK),
        resting.choose(ada, weekly, circumstances=BY_LINK),
    ]

    assert answers == [True, True, False, True, True]
    assert (ada.status, ada.frequency, ada.paused_until) == (Status.ACTIVE, "weekly", None)
    assert happened(ada) == ["paused", "resumed", "frequency"]


@pytest.mark.parametrize("status", ["pending", "unsubscribed"])
def test_nothing_is_paused_or_chosen_for_whom_nothing_is_sent_to(daily: Newsletter, status: str) -> None:
    ada = factories.subscription(daily, ADA, status=status)

    answers = [
        resting.pause(ada, until=timezone.now(), circumstances=BY_LINK),
        resting.resume(ada, circumstances=BY_LINK),
        resting.choose(ada, Subscription.Frequency.WEEKLY, circumstances=BY_LINK),
    ]

    assert (answers, ada.status, ada.frequency, happened(ada)) == ([False] * 3, status, "every", [])


def test_pauses_end_at_their_time_and_not_before(daily: Newsletter) -> None:
    now = timezone.now()
    over = factories.subscription(daily, ADA, status="paused", paused_until=now)
    on = factories.subscription(daily, "bob@example.com", status="paused")

    ended = [resting.resume_due(now=now), resting.resume_due(now=now)]

    over.refresh_from_db()
    on.refresh_from_db()
    assert (ended, over.status, over.paused_until, on.status) == ([1, 0], Status.ACTIVE, None, Status.PAUSED)
    assert ConsentEvent.objects.get().method == consent.BY_CLOCK.method
