from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import lifecycle
from subscribers.consent import Circumstances, Method
from subscribers.models import (
    ConsentEvent,
    KeptOut,
    Subscriber,
    Subscription,
    Suppression,
)
from tests import factories
from tests.subscribers.happening import ADA, BY_FORM, BY_LINK, Status, due, happened


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
