from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import consent, lifecycle, resting, signals
from subscribers.consent import Circumstances, Kind, Method
from subscribers.models import (
    ConsentEvent,
    KeptOut,
    Letter,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
)
from tests import factories

Status = Subscription.Status
ADA = "ada@example.com"
BY_LINK = Circumstances(Method.LINK, network="192.0.2.0/24", agent="Firefox")
BY_FORM = Circumstances(Method.FORM)


def happened(subscription: Subscription) -> list[str]:
    events = ConsentEvent.objects.filter(subscriber=subscription.subscriber_id)
    return list(events.values_list("kind", flat=True))


def due(kind: str) -> int:
    return Letter.objects.filter(kind=kind, due_at__isnull=False).count()


def test_subscribe_makes_a_pending_reader_with_a_mail_due(daily: Newsletter) -> None:
    wish = lifecycle.Wish(first_name="Ada", language="de", source={"utm_source": "x"})

    subscription = lifecycle.subscribe(daily, email=ADA, wish=wish, circumstances=BY_FORM)

    assert (subscription.status, subscription.generation, subscription.confirmed_at) == (
        Status.PENDING,
        1,
        None,
    )
    assert (subscription.subscriber.first_name, subscription.subscriber.language) == ("Ada", "de")
    assert due("confirmation") == 1
    event = ConsentEvent.objects.get()
    assert (event.kind, event.method, event.details) == ("asked", "form", {"utm_source": "x"})


def test_subscribe_leaves_an_active_reader_as_they_are(daily: Newsletter) -> None:
    ada = factories.subscription(daily, ADA, fields={"town": "Oban"}, frequency="weekly")
    Subscriber.objects.update(first_name="Ada", language="de")
    wish = lifecycle.Wish(first_name="Eve", fields={"town": "Rome"}, source={"ref": "eve"}, language="fr")

    again = lifecycle.subscribe(daily, email=ADA, wish=wish)

    assert (again.pk, again.status, again.generation, again.frequency) == (ada.pk, Status.ACTIVE, 1, "weekly")
    assert (again.fields, again.source) == ({"town": "Oban"}, {})
    assert (again.subscriber.first_name, again.subscriber.language) == ("Ada", "de")
    assert due("known") == 1


def test_subscribe_ends_no_pause(daily: Newsletter) -> None:
    ada = factories.subscription(daily, ADA, status="paused")

    again = lifecycle.subscribe(daily, email=ADA)

    assert (again.status, again.paused_until) == (Status.PAUSED, ada.paused_until)


def test_of_whom_nobody_has_confirmed_the_last_word_counts(daily: Newsletter) -> None:
    stranger = lifecycle.Wish(first_name="You fool", fields={"town": "x"}, source={"ref": "x"})
    lifecycle.subscribe(daily, email=ADA, wish=stranger)

    own = lifecycle.Wish(first_name="Ada", fields={"town": "Oban"}, language="de")
    ada = lifecycle.subscribe(daily, email=ADA, wish=own)

    assert (ada.subscriber.first_name, ada.subscriber.language) == ("Ada", "de")
    assert (ada.fields, ada.source) == ({"town": "Oban"}, {})


def test_of_whom_is_known_elsewhere_a_strangers_word_counts_nothing(daily: Newsletter) -> None:
    factories.subscription(factories.newsletter("weekly"), ADA)
    Subscriber.objects.update(first_name="Ada")
    lifecycle.subscribe(daily, email=ADA)

    lifecycle.subscribe(daily, email=ADA, wish=lifecycle.Wish(first_name="Eve"))

    assert Subscriber.objects.get().first_name == "Ada"


RETURNING = lifecycle.Wish("Ada", fields={"town": "Rome"}, source={"ref": "bo"}, language="de")


@pytest.mark.parametrize("method", [Method.LINK, Method.MANAGE, Method.EDITOR])
def test_what_a_returning_reader_says_counts_once_their_mailbox_says_yes(
    daily: Newsletter, method: Method
) -> None:
    ada = factories.subscription(daily, ADA, fields={"town": "Oban", "team": "Blue"}, source={"page": "/"})
    lifecycle.unsubscribe(ada)
    stranger = lifecycle.Wish("Eve", fields={"team": "Red"}, source={"ref": "eve"})
    lifecycle.subscribe(daily, email=ADA, wish=stranger, circumstances=BY_FORM)
    ada = lifecycle.subscribe(daily, email=ADA, wish=RETURNING, circumstances=BY_FORM)
    before = told_of(ada)

    lifecycle.confirm(ada, generation=2, circumstances=Circumstances(method))

    known = ("", "", {"town": "Oban", "team": "Blue"}, {"page": "/"})
    wished = ("Ada", "de", {"town": "Rome", "team": "Blue"}, {"ref": "bo"})
    assert (before, told_of(ada)) == (known, known if method == Method.EDITOR else wished)


def test_wish_of_before_somebody_left_again_is_over(daily: Newsletter) -> None:
    ada = factories.subscription(daily, ADA)
    lifecycle.unsubscribe(ada)
    lifecycle.subscribe(daily, email=ADA, wish=RETURNING, circumstances=BY_FORM)
    lifecycle.unsubscribe(ada)
    ada = lifecycle.subscribe(daily, email=ADA, circumstances=BY_FORM)

    lifecycle.confirm(ada, generation=3, circumstances=BY_LINK)

    assert (ada.status, told_of(ada)) == (Status.ACTIVE, ("", "", {}, {}))


def told_of(subscription: Subscription) -> tuple[str, str, dict[str, str], dict[str, str]]:
    row = Subscription.objects.select_related("subscriber").get(pk=subscription.pk)
    return row.subscriber.first_name, row.subscriber.language, row.fields, row.source


def test_who_asks_again_before_confirming_is_not_forgotten_meanwhile(daily: Newsletter) -> None:
    long_ago = timezone.now() - timedelta(days=29)
    factories.subscription(daily, ADA, status="pending")
    Subscription.objects.update(requested_at=long_ago)

    again = lifecycle.subscribe(daily, email=ADA)

    assert again.requested_at is not None
    assert again.requested_at > long_ago
    assert again.generation == 1  # the link in the first mail works as well


def test_confirm_twice_changes_once(daily: Newsletter) -> None:
    _, bob, _ = factories.cast(daily)

    changed = [lifecycle.confirm(bob, generation=1, circumstances=BY_LINK) for _ in range(2)]

    assert (changed, bob.status, happened(bob), due("welcome")) == (
        [True, False],
        Status.ACTIVE,
        ["confirmed"],
        1,
    )


def test_confirm_of_a_reader_who_was_deleted_meanwhile_changes_nothing(daily: Newsletter) -> None:
    _, bob, _ = factories.cast(daily)
    Subscriber.objects.filter(pk=bob.subscriber_id).delete()

    assert lifecycle.confirm(bob, generation=1) is False
    assert bob.status == Status.UNSUBSCRIBED


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


@pytest.mark.parametrize("what", ["left again", "too late", "asked anew", "lapsed", *Suppression.Reason])
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
        case "asked anew":
            lifecycle.subscribe(daily, email=ADA)
        case "lapsed":
            Subscription.objects.update(left_as="")
        case reason:
            lifecycle.suppress(ADA, reason=Suppression.Reason(reason))
    before = Subscription.objects.values("status", "unsubscribed_at", "left_as").get()

    assert not lifecycle.take_back(ada, left_at=left_at, kind=Kind.BROUGHT_BACK, circumstances=BY_LINK)
    assert Subscription.objects.values("status", "unsubscribed_at", "left_as").get() == before


def test_single_opt_in_begins_at_once_for_a_new_reader(daily: Newsletter) -> None:
    Newsletter.objects.update(confirms_by_mail=False)
    daily.refresh_from_db()

    ada = lifecycle.subscribe(daily, email=ADA, circumstances=BY_FORM)

    assert (ada.status, happened(ada)) == (Status.ACTIVE, ["asked", "single"])
    assert (due("welcome"), due("confirmation")) == (1, 0)


@pytest.mark.parametrize("what", ["left", "pending", "forgotten", "added by hand", *Suppression.Reason])
def test_single_opt_in_asks_whoever_is_not_new(daily: Newsletter, what: str) -> None:
    match what:
        case "left":
            factories.subscription(daily, ADA, status="unsubscribed")
        case "pending":
            factories.subscription(daily, ADA, status="pending")
        case "forgotten":
            KeptOut.objects.create(newsletter=daily, address_key=factories.address_key(ADA))
        case "added by hand":
            pass
        case reason:
            lifecycle.suppress(ADA, reason=Suppression.Reason(reason))
    Newsletter.objects.update(confirms_by_mail=False)
    daily.refresh_from_db()
    origin = Subscription.Origin.ADMIN if what == "added by hand" else Subscription.Origin.WEB

    ada = lifecycle.subscribe(daily, email=ADA, origin=origin)

    assert (ada.status, happened(ada), due("confirmation")) == (Status.PENDING, ["asked"], 1)


@pytest.mark.parametrize(
    ("reason", "is_lifted"), [("hard_bounce", True), ("request", True), ("complaint", False)]
)
def test_confirming_anew_lifts_all_but_a_complaint(daily: Newsletter, reason: str, is_lifted: bool) -> None:
    _, bob, _ = factories.cast(daily)
    lifecycle.suppress("bob@example.com", reason=Suppression.Reason(reason))

    lifecycle.confirm(bob, generation=1)

    assert Suppression.objects.exists() is not is_lifted
    assert Subscription.objects.mailable(daily).filter(pk=bob.pk).exists() is is_lifted


@pytest.mark.parametrize(("reason", "others"), [("hard_bounce", "active"), ("request", "unsubscribed")])
def test_confirming_one_newsletter_says_nothing_of_the_others_that_were_not_wanted(
    daily: Newsletter, reason: str, others: str
) -> None:
    weekly = factories.subscription(factories.newsletter("weekly"), ADA)
    lifecycle.suppress(ADA, reason=Suppression.Reason(reason))
    ada = lifecycle.subscribe(daily, email=ADA)

    lifecycle.confirm(ada, generation=1)

    weekly.refresh_from_db()
    assert (ada.status, weekly.status, weekly.left_as) == (Status.ACTIVE, others, "")


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


def test_reader_whose_address_bounced_comes_back_by_confirming(daily: Newsletter) -> None:
    ada = factories.subscription(daily, ADA, status="paused")
    lifecycle.suppress(ADA, reason=Suppression.Reason.HARD_BOUNCE)

    again = lifecycle.subscribe(daily, email=ADA)

    assert (again.status, again.generation, again.paused_until) == (Status.PENDING, 2, None)
    assert lifecycle.confirm(again, generation=2) is True
    assert Subscription.objects.mailable(daily).filter(pk=ada.pk).exists()


def test_heavier_reason_outweighs_what_was_known_before(db: None) -> None:
    found = []
    for reason in ("hard_bounce", "request", "hard_bounce", "complaint", "request"):
        lifecycle.suppress(ADA, reason=Suppression.Reason(reason))
        found.append(Suppression.objects.get().reason)

    assert found == ["hard_bounce", "request", "request", "complaint", "complaint"]


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
