from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from newsletter.models import Newsletter
from subscribers import lifecycle, signals
from subscribers.models import Subscriber, Subscription, Suppression
from tests import factories

Status = Subscription.Status


def test_subscribe_makes_a_pending_reader_with_a_mail_due(daily: Newsletter) -> None:
    subscription = lifecycle.subscribe(daily, email="ada@example.com", first_name="Ada")

    assert (subscription.status, subscription.generation, subscription.confirmed_at) == (
        Status.PENDING,
        1,
        None,
    )
    assert subscription.mail_due_at is not None
    assert subscription.subscriber.first_name == "Ada"


def test_subscribe_twice_is_one_reader_and_one_mail_in_an_hour(daily: Newsletter) -> None:
    first = lifecycle.subscribe(daily, email="ada@example.com")
    Subscription.objects.update(mail_due_at=None, mail_sent_at=timezone.now())

    second = lifecycle.subscribe(daily, email="ada@example.com")

    assert (second.pk, second.mail_due_at, Subscriber.objects.count()) == (first.pk, None, 1)


def test_subscribe_again_after_the_cool_down_has_a_mail_due(daily: Newsletter) -> None:
    lifecycle.subscribe(daily, email="ada@example.com")
    long_ago = timezone.now() - lifecycle.MAIL_COOL_DOWN - timedelta(minutes=1)
    Subscription.objects.update(mail_due_at=None, mail_sent_at=long_ago, mail_asked_at=long_ago)

    again = lifecycle.subscribe(daily, email="ada@example.com")

    assert again.mail_due_at is not None
    assert again.mail_asked_at == again.mail_due_at


def test_subscribe_leaves_an_active_reader_active(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)

    again = lifecycle.subscribe(daily, email="ada@example.com")

    assert (again.pk, again.status, again.generation) == (ada.pk, Status.ACTIVE, 1)


def test_confirm_twice_changes_once(daily: Newsletter) -> None:
    _, bob, _ = factories.cast(daily)

    assert [lifecycle.confirm(bob, generation=1), lifecycle.confirm(bob, generation=1)] == [True, False]
    assert bob.status == Status.ACTIVE


def test_old_confirm_link_brings_nobody_back(daily: Newsletter) -> None:
    _, bob, _ = factories.cast(daily)
    lifecycle.confirm(bob, generation=1)
    lifecycle.unsubscribe(bob)
    assert lifecycle.confirm(bob, generation=1) is False
    lifecycle.subscribe(daily, email="bob@example.com")

    assert lifecycle.confirm(bob, generation=1) is False
    assert bob.status == Status.PENDING
    assert lifecycle.confirm(bob, generation=2) is True


def test_unsubscribe_tells_once_and_carries_the_mark(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)
    heard = []

    def listen(sender, subscription, via, **kwargs):
        heard.append((subscription.pk, via))

    signals.unsubscribed.connect(listen)
    try:
        changed = [lifecycle.unsubscribe(ada, via="42"), lifecycle.unsubscribe(ada, via="42")]
    finally:
        signals.unsubscribed.disconnect(listen)

    assert (changed, heard, ada.status) == ([True, False], [(ada.pk, "42")], Status.UNSUBSCRIBED)


@pytest.mark.parametrize(
    ("reason", "is_lifted"), [("hard_bounce", True), ("request", True), ("complaint", False)]
)
def test_confirming_anew_lifts_all_but_a_complaint(daily: Newsletter, reason: str, is_lifted: bool) -> None:
    _, bob, _ = factories.cast(daily)
    lifecycle.suppress("bob@example.com", reason=Suppression.Reason(reason))

    lifecycle.confirm(bob, generation=1)

    assert Suppression.objects.exists() is not is_lifted
    assert Subscription.objects.mailable(daily).filter(pk=bob.pk).exists() is is_lifted


class SubscriptionMachine(TestCase):
    """No sequence of events makes a reader mailable who has not confirmed since they last left or never asked."""

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(
        st.lists(
            st.sampled_from(["subscribe", "confirm", "confirm_first", "unsubscribe", "complain"]), max_size=12
        )
    )
    def test_only_a_fresh_confirmation_makes_a_reader_mailable(self, events: list[str]) -> None:
        daily = factories.newsletter()
        subscription = lifecycle.subscribe(daily, email="ada@example.com")
        may_mail, complained = False, False
        for event in events:
            has_confirmed = happen(event, subscription)
            may_mail = (may_mail or has_confirmed) and event != "unsubscribe"
            complained |= event == "complain"

            assert Subscription.objects.mailable(daily).exists() is (may_mail and not complained)


def happen(event: str, subscription: Subscription) -> bool:
    """Whether the reader has just confirmed."""
    match event:
        case "subscribe":
            lifecycle.subscribe(subscription.newsletter, email="ada@example.com")
        case "confirm":
            subscription.refresh_from_db()
            return lifecycle.confirm(subscription, generation=subscription.generation)
        case "confirm_first":
            return lifecycle.confirm(subscription, generation=1)
        case "unsubscribe":
            lifecycle.unsubscribe(subscription)
        case "complain":
            lifecycle.suppress("ada@example.com", reason=Suppression.Reason.COMPLAINT)
    return False


def test_erased_reader_leaves_a_hash_and_the_counts_of_the_ledger(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)

    lifecycle.erase(ada.subscriber)

    assert not Subscriber.objects.filter(email="ada@example.com").exists()
    assert Suppression.objects.get().reason == Suppression.Reason.REQUEST
    again = lifecycle.subscribe(daily, email="ada@example.com")
    assert lifecycle.confirm(again, generation=1) is True
    assert Subscription.objects.mailable(daily).get() == again


def test_reader_whose_address_bounced_comes_back_by_confirming(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)
    lifecycle.suppress("ada@example.com", reason=Suppression.Reason.HARD_BOUNCE)

    again = lifecycle.subscribe(daily, email="ada@example.com")

    assert (again.status, again.generation) == (Status.PENDING, 2)
    assert lifecycle.confirm(again, generation=2) is True
    assert Subscription.objects.mailable(daily).filter(pk=ada.pk).exists()


def test_complaint_outweighs_what_was_known_before(db) -> None:
    for reason in (Suppression.Reason.HARD_BOUNCE, Suppression.Reason.COMPLAINT, Suppression.Reason.REQUEST):
        lifecycle.suppress("ada@example.com", reason=reason)

    assert Suppression.objects.get().reason == Suppression.Reason.COMPLAINT
