"""Who is due which letter when: whatever is posted, an address is not flooded, and nothing asked for is lost."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import consent, letters, lifecycle
from subscribers.letters.asking import STILL_FRESH
from subscribers.models import AddressChange, Letter, Subscriber, Subscription, address_key
from tests import factories

Kind = Letter.Kind
HOUR = letters.COOL_DOWN
LINK = consent.Circumstances(consent.Method.LINK)


def ask(kind: Kind, subscription: Subscription, *, at: datetime, **more: object) -> datetime | None:
    """When it is due; None where none is needed."""
    letter = letters.ask(kind, subscription, now=at, **more)
    return letter.due_at if letter else None


def send(*, at: datetime) -> int:
    return sum(letters.send_due(pk, now=at) for pk in Letter.objects.due(at).values_list("pk", flat=True))


def pending(newsletter: Newsletter, email: str = "bob@example.com") -> Subscription:
    return factories.subscription(newsletter, email, status="pending")


def test_sign_up_again_within_the_hour_makes_no_further_mail_and_after_it_one(daily: Newsletter) -> None:
    now, bob = timezone.now(), pending(daily)
    ask(Kind.CONFIRMATION, bob, at=now)
    send(at=now)

    within = ask(Kind.CONFIRMATION, bob, at=now + HOUR - timedelta(seconds=1))
    after = ask(Kind.CONFIRMATION, bob, at=now + HOUR)

    assert (within, after) == (None, now + HOUR)


def test_newsletter_asked_for_within_the_hour_gets_its_mail_when_the_hour_is_over(daily: Newsletter) -> None:
    now, bob = timezone.now(), pending(daily)
    ask(Kind.CONFIRMATION, bob, at=now)
    send(at=now)
    other = pending(factories.newsletter("weekly"))

    due_at = ask(Kind.CONFIRMATION, other, at=now + timedelta(minutes=10))

    assert due_at == now + HOUR
    assert (send(at=now + timedelta(minutes=59)), send(at=now + HOUR)) == (0, 1)


def test_newsletter_confirmed_along_with_the_first_gets_no_mail_of_its_own(daily: Newsletter) -> None:
    now, bob = timezone.now(), pending(daily)
    ask(Kind.CONFIRMATION, bob, at=now)
    send(at=now)
    other = pending(factories.newsletter("weekly"))
    ask(Kind.CONFIRMATION, other, at=now)

    for each in (bob, other):
        lifecycle.confirm(each, generation=1, circumstances=LINK)

    due = Letter.objects.filter(kind=Kind.CONFIRMATION).due(now + HOUR)
    assert [letters.send_due(letter.pk, now=now + HOUR) for letter in due] == [False]


def test_sign_up_after_leaving_is_not_covered_by_the_mail_from_before(daily: Newsletter) -> None:
    now, bob = timezone.now(), pending(daily)
    ask(Kind.CONFIRMATION, bob, at=now)
    send(at=now)
    lifecycle.unsubscribe(bob)
    again = lifecycle.subscribe(daily, email="bob@example.com")

    (letter,) = Letter.objects.filter(subscriber=again.subscriber, sent_at=None)

    assert letter.due_at == now + HOUR


def test_at_most_three_confirmations_a_day_until_one_is_pressed(daily: Newsletter) -> None:
    now, bob = timezone.now(), pending(daily)
    for hour in range(3):
        ask(Kind.CONFIRMATION, bob, at=now + hour * HOUR)
        send(at=now + hour * HOUR)
    other = pending(factories.newsletter("weekly"))

    same = ask(Kind.CONFIRMATION, bob, at=now + 3 * HOUR)
    new = ask(Kind.CONFIRMATION, other, at=now + 3 * HOUR)

    assert len(mail.outbox) == 3
    assert (same, new) == (None, now + timedelta(days=1))


def test_a_press_of_the_button_lifts_the_days_limit(daily: Newsletter) -> None:
    now = timezone.now() - 3 * HOUR  # consent is noted by the clock
    bob = pending(daily)
    for hour in range(3):
        ask(Kind.CONFIRMATION, bob, at=now + hour * HOUR)
        send(at=now + hour * HOUR)
    lifecycle.confirm(bob, generation=1, circumstances=LINK)
    other = pending(factories.newsletter("weekly"))

    assert ask(Kind.CONFIRMATION, other, at=now + 3 * HOUR) == now + 3 * HOUR


def test_known_and_manage_share_an_hour_and_a_fresh_link_is_enough(daily: Newsletter) -> None:
    now = timezone.now()
    ada = factories.subscription(daily, "ada@example.com")
    ask(Kind.KNOWN, ada, at=now)
    send(at=now)

    known = ask(Kind.KNOWN, ada, at=now + STILL_FRESH)
    fresh = ask(Kind.MANAGE, ada, at=now + STILL_FRESH - timedelta(seconds=1))
    stale = ask(Kind.MANAGE, ada, at=now + STILL_FRESH)

    assert (known, fresh, stale) == (None, None, now + HOUR)


def test_at_most_five_letters_a_day_to_a_reader_whoever_types_the_address(daily: Newsletter) -> None:
    now, ada = timezone.now(), factories.subscription(daily, "ada@example.com")
    for hour in range(5):
        ask((Kind.KNOWN, Kind.MANAGE)[hour % 2], ada, at=now + hour * HOUR)
        send(at=now + hour * HOUR)

    assert len(mail.outbox) == 5
    assert ask(Kind.MANAGE, ada, at=now + 5 * HOUR) == now + timedelta(days=1)


def test_letter_that_waits_for_its_hour_tells_of_all_that_was_asked_for_meanwhile(daily: Newsletter) -> None:
    now = timezone.now()
    ada, weekly, monthly = (
        factories.subscription(each, "ada@example.com")
        for each in (
            daily,
            *(factories.newsletter(name, name=f"The {name}") for name in ("weekly", "monthly")),
        )
    )
    ask(Kind.KNOWN, ada, at=now)
    send(at=now)
    for each in (weekly, monthly):
        ask(Kind.KNOWN, each, at=now)

    send(at=now + HOUR)

    assert "- The weekly\n- The monthly\n" in mail.outbox[1].body


def test_cool_down_of_confirmations_holds_up_no_link_to_manage(daily: Newsletter) -> None:
    now, bob = timezone.now(), pending(daily)
    ask(Kind.CONFIRMATION, bob, at=now)
    send(at=now)

    assert ask(Kind.MANAGE, bob, at=now) == now


def test_strangers_mailbox_is_asked_once_an_hour_whoever_names_it(daily: Newsletter) -> None:
    now = timezone.now()
    readers = [factories.subscription(daily, f"{name}@example.com") for name in ("ada", "eve")]
    changes = [
        AddressChange.objects.create(subscriber=each.subscriber, new_email="x@example.org", asked_at=now)
        for each in readers
    ]
    ask(Kind.NEW_ADDRESS, readers[0], at=now, change=changes[0])
    send(at=now)

    assert ask(Kind.NEW_ADDRESS, readers[1], at=now, change=changes[1]) == now + HOUR


def test_later_wish_for_another_address_takes_the_place_of_the_first(daily: Newsletter) -> None:
    now = timezone.now()
    ada = factories.subscription(daily, "ada@example.com")
    changes = [
        AddressChange.objects.create(subscriber=ada.subscriber, new_email=email, asked_at=now)
        for email in ("one@example.org", "two@example.org")
    ]

    for change in changes:
        ask(Kind.NEW_ADDRESS, ada, at=now, change=change)

    assert Letter.objects.get().change == changes[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_known", [False, True])
def test_posts_at_the_same_moment_make_one_letter(is_known: bool) -> None:
    newsletters = [factories.newsletter(f"n{number}") for number in range(4)]
    if is_known:
        Subscriber.objects.create(email="bob@example.com", address_key=address_key("bob@example.com"))
    together = threading.Barrier(8)

    def post(newsletter: Newsletter) -> None:
        try:
            together.wait(10)
            lifecycle.subscribe(newsletter, email="bob@example.com")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(post, newsletters * 2))

    assert (Letter.objects.count(), Subscription.objects.count()) == (1, 4)


@pytest.mark.django_db(transaction=True)
def test_letter_is_sent_once_by_whoever_comes_first() -> None:
    bob = pending(factories.newsletter())
    now = timezone.now()
    letter = letters.ask(Kind.CONFIRMATION, bob, now=now)
    assert letter is not None

    def work(_number: int) -> bool:
        try:
            return letters.send_due(letter.pk, now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        told = sorted(pool.map(work, range(6)))

    assert told == [False] * 5 + [True]
    assert len(mail.outbox) == 1
