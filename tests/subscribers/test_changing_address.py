"""A change of address is agreed to at both ends."""

from __future__ import annotations

import io

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import changing_address, importing, lifecycle, managing, tokens
from subscribers.changing_address import State
from subscribers.models import (
    AddressChange,
    ConsentEvent,
    KeptOut,
    Letter,
    Subscriber,
    Subscription,
    Suppression,
    address_key,
)
from tests import factories
from tests.subscribers.moving import NEW, OLD, address, agree, send_all

Reason = Suppression.Reason


@pytest.fixture
def ada(daily: Newsletter) -> Subscription:
    return factories.subscription(daily, OLD)


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("ends", [("old", "new"), ("new", "old")])
def test_it_is_done_when_both_have_agreed(
    ada: Subscription, change: AddressChange, ends: tuple[str, str]
) -> None:
    first = agree(change, ends[0])
    assert (first, address(ada)) == (State.AGREED, OLD)

    second = agree(change, ends[1])

    moved = Subscriber.objects.get()
    assert (second, moved.email, moved.address_key) == (State.DONE, NEW, address_key(NEW))
    event = ConsentEvent.objects.get()
    assert (event.kind, event.method, event.network) == ("moved", "link", "192.0.2.0/24")
    assert event.details == {"from": "a…@e….com", "from_key": address_key(OLD)}
    assert [agree(change, end) for end in ends] == [State.DONE] * 2
    assert ConsentEvent.objects.count() == 1


@pytest.mark.parametrize("end", ["old", "new"])
def test_one_end_alone_changes_nothing(ada: Subscription, change: AddressChange, end: str) -> None:
    states = [agree(change, end) for _ in range(3)]

    assert (states, address(ada)) == ([State.AGREED] * 3, OLD)


def test_after_a_day_it_is_over(ada: Subscription, change: AddressChange) -> None:
    agree(change, "old")

    assert agree(change, "new", after=changing_address.LIFE) == State.OVER
    assert address(ada) == OLD
    assert changing_address.forget(now=timezone.now() + changing_address.LIFE) == 1
    assert AddressChange.objects.get().new_email == ""


def test_another_wish_ends_the_one_before_and_its_letters(ada: Subscription, change: AddressChange) -> None:
    agree(change, "old")

    second = changing_address.ask(ada.subscriber, new_email="ada@third.example", now=timezone.now())
    again = changing_address.ask(ada.subscriber, new_email="ada@third.example", now=timezone.now())

    assert second == again
    assert agree(change, "new") == State.OVER
    due = Letter.objects.filter(due_at__isnull=False)
    assert set(due.values_list("kind", "change")) == {("new_address", second.pk), ("old_address", second.pk)}
    change.refresh_from_db()
    assert change.new_email == ""


def test_another_readers_address_is_refused_and_only_its_owner_is_told(
    ada: Subscription, daily: Newsletter
) -> None:
    factories.subscription(daily, "bob@example.com")
    taken = changing_address.ask(ada.subscriber, new_email="bob@example.com", now=timezone.now())
    assert taken
    before = (taken.asked_at, agree(taken, "old"))

    told_bob = [agree(taken, "new") for _ in range(2)]

    told_ada = agree(taken, "old")
    open_ = changing_address.open_of(ada.subscriber, now=timezone.now())
    assert (before[1], told_bob, told_ada) == (State.AGREED, [State.TAKEN] * 2, State.AGREED)
    assert open_
    assert open_.new_agreed_at is None
    assert set(Subscriber.objects.values_list("email", flat=True)) == {OLD, "bob@example.com"}


def test_address_that_somebody_takes_meanwhile_makes_no_second_owner(
    ada: Subscription, change: AddressChange, daily: Newsletter
) -> None:
    agree(change, "new")
    factories.subscription(daily, NEW)

    assert agree(change, "old") == State.OVER
    assert address(ada) == OLD
    assert [agree(change, end) for end in ("old", "new")] == [State.OVER] * 2
    assert AddressChange.objects.get().new_email == ""


@pytest.mark.parametrize(
    ("reason", "is_kept"), [(Reason.COMPLAINT, True), (Reason.REQUEST, True), (Reason.HARD_BOUNCE, False)]
)
def test_what_the_person_wished_moves_along_and_what_the_mailbox_said_does_not(
    ada: Subscription, change: AddressChange, daily: Newsletter, reason: Reason, is_kept: bool
) -> None:
    lifecycle.suppress(OLD, reason=reason)
    agree(change, "old")

    agree(change, "new")

    assert address(ada) == NEW
    assert Subscription.objects.mailable(daily).exists() is not is_kept
    assert Suppression.objects.get(address_key=address_key(OLD)).reason == reason


def test_complaint_from_the_new_address_is_respected(ada: Subscription, change: AddressChange) -> None:
    lifecycle.suppress(NEW, reason=Reason.COMPLAINT)
    agree(change, "old")

    assert (agree(change, "new"), address(ada)) == (State.KEPT_OUT, OLD)
    assert Suppression.objects.get().reason == Reason.COMPLAINT


def test_new_mailbox_shows_that_it_works(ada: Subscription, change: AddressChange, daily: Newsletter) -> None:
    lifecycle.suppress(NEW, reason=Reason.HARD_BOUNCE)
    agree(change, "old")
    agree(change, "new")

    assert Subscription.objects.mailable(daily).get() == ada


def test_old_file_makes_no_second_reader_of_them(
    ada: Subscription, change: AddressChange, daily: Newsletter
) -> None:
    agree(change, "old")
    agree(change, "new")

    importing.import_csv(daily, io.BytesIO(f"email\n{OLD}\n{NEW}\n".encode()))

    assert [reader.email for reader in Subscriber.objects.all()] == [NEW]
    assert KeptOut.objects.get().address_key == address_key(OLD)


def test_links_of_before(
    ada: Subscription, change: AddressChange, daily: Newsletter, browser: Client
) -> None:
    weekly = factories.newsletter("weekly")
    pending = factories.subscription(weekly, OLD, status="pending")
    manage = tokens.manage_token(ada.subscriber)
    leave, confirm = tokens.unsubscribe_token(ada.pk), tokens.confirm_token(pending)
    agree(change, "old")
    agree(change, "new")

    browser.post(f"/s/unsubscribe/{leave}")
    browser.get(f"/s/confirm/{confirm}/")
    Client().post(f"/s/confirm/{confirm}/")

    ada.refresh_from_db()
    pending.refresh_from_db()
    assert browser.get(f"/s/manage/{manage}/").status_code == 410
    assert (ada.status, pending.status) == ("unsubscribed", "pending")


def test_link_can_be_had_at_the_new_address_at_once(ada: Subscription, change: AddressChange) -> None:
    managing.mail_link(ada.subscriber)
    send_all()
    agree(change, "old")
    agree(change, "new")
    mail.outbox.clear()

    managing.mail_link(Subscriber.objects.get())

    send_all()
    assert [message.to for message in mail.outbox] == [[NEW]]
