"""What a change of address takes along, what it lifts, and what it leaves as it was."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import changing_address, consent, lifecycle, tokens
from subscribers.changing_address import State
from subscribers.models import (
    AddressChange,
    KeptOut,
    Letter,
    Subscriber,
    Subscription,
    Suppression,
    address_key,
)
from subscribers.proof import export
from tests import factories
from tests.subscribers.moving import BY_LINK, NEW, OLD, address, agree, send_all

Reason = Suppression.Reason


@pytest.fixture
def ada(daily: Newsletter) -> Subscription:
    return factories.subscription(daily, OLD)


@pytest.fixture
def weekly(db: None) -> Newsletter:
    return factories.newsletter("weekly")


def move(change: AddressChange) -> None:
    agree(change, "old")
    assert agree(change, "new") == State.DONE


def kept_out_of(email: str) -> set[str]:
    rows = KeptOut.objects.filter(address_key=address_key(email))
    return set(rows.values_list("newsletter__slug", flat=True))


def test_new_mailbox_that_wanted_no_mail_gets_these_and_no_others(
    weekly: Newsletter, change: AddressChange
) -> None:
    lifecycle.suppress(NEW, reason=Reason.REQUEST)

    move(change)

    assert kept_out_of(NEW) == {"weekly"}
    assert not Suppression.objects.filter(address_key=address_key(NEW)).exists()


def test_what_kept_the_old_address_out_keeps_the_new_one_out(
    weekly: Newsletter, change: AddressChange
) -> None:
    KeptOut.objects.create(newsletter=weekly, address_key=address_key(OLD))

    move(change)

    assert kept_out_of(NEW) == {"weekly"}
    assert kept_out_of(OLD) == {"daily", "weekly"}


def test_who_wants_to_be_deleted_after_a_move_is_not_brought_back_by_the_old_address(
    change: AddressChange,
) -> None:
    move(change)

    lifecycle.erase(Subscriber.objects.get())

    found = Suppression.objects.values_list("address_key", "reason")
    assert set(found) == {(address_key(each), "request") for each in (OLD, NEW)}


def test_address_that_has_become_somebody_elses_is_not_barred_by_who_had_it_before(
    change: AddressChange, daily: Newsletter
) -> None:
    move(change)
    factories.subscription(daily, OLD)

    lifecycle.erase(Subscriber.objects.get(email=NEW))

    assert Suppression.objects.get().address_key == address_key(NEW)


@pytest.mark.parametrize("status", ["pending", "unsubscribed"])
def test_sign_up_that_nobody_confirmed_does_not_take_the_address(
    change: AddressChange, ada: Subscription, weekly: Newsletter, status: str
) -> None:
    theirs = factories.subscription(weekly, NEW, status=status)
    Subscription.objects.filter(pk=theirs.pk).update(confirmed_at=None)

    move(change)

    assert [reader.email for reader in Subscriber.objects.all()] == [NEW]
    assert address(ada) == NEW
    assert not Subscription.objects.filter(newsletter=weekly).exists()
    assert kept_out_of(NEW) == ({"weekly"} if status == "unsubscribed" else set())


def test_reader_is_asked_though_strangers_named_the_same_mailbox(
    ada: Subscription, daily: Newsletter
) -> None:
    eve = factories.subscription(daily, "eve@example.com").subscriber
    changing_address.ask(eve, new_email=NEW, now=timezone.now())

    changing_address.ask(ada.subscriber, new_email=NEW, now=timezone.now())

    due = Letter.objects.filter(kind=Letter.Kind.NEW_ADDRESS, due_at__isnull=False)
    assert set(due.values_list("subscriber", flat=True)) == {eve.pk, ada.subscriber_id}


def test_both_mailboxes_are_asked_where_mail_had_bounced(ada: Subscription) -> None:
    lifecycle.suppress(OLD, reason=Reason.HARD_BOUNCE)
    changing_address.ask(ada.subscriber, new_email=NEW, now=timezone.now())

    send_all()

    assert sorted(message.to[0] for message in mail.outbox) == [OLD, NEW]


def test_goodbye_in_the_old_mailbox_brings_nobody_back_after_a_move(
    change: AddressChange, ada: Subscription, weekly: Newsletter
) -> None:
    left = factories.subscription(weekly, OLD)
    lifecycle.unsubscribe(left, circumstances=BY_LINK)
    left.refresh_from_db()
    back = f"/s/back/{tokens.back_token(left, life=tokens.BACK_BY_MAIL)}/"
    assert Client().get(back).status_code == 200
    move(change)

    answers = [Client().get(back), Client().post(back)]

    left.refresh_from_db()
    assert ([answer.status_code for answer in answers], left.status) == ([404, 404], "unsubscribed")


def test_file_of_what_is_held_names_nobody_of_the_team(ada: Subscription) -> None:
    by = consent.at_the_desk("margot")
    details = {"file": "leads-from-rival.csv", "burst": 7, "page": "/daily/"}
    consent.note(consent.Kind.IMPORTED, ada, by, at=timezone.now(), details=details)

    held = export.everything(ada.subscriber, now=timezone.now())

    assert [each["details"] for each in held["consent"]] == [{"page": "/daily/"}]
