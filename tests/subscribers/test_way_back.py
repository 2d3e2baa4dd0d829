"""Whoever left by the page has a way back for a month. What others type or press does not take it away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import changing_address, forgetting, leaving, letters, lifecycle
from subscribers.consent import Kind
from subscribers.models import Letter, Subscription, Suppression
from tests import factories
from tests.subscribers.happening import ADA, BY_LINK, Status

NEW = "ada@new.example"


def left_by_the_page(daily: Newsletter, **fields: object) -> Subscription:
    ada = factories.subscription(daily, ADA, **fields)
    lifecycle.unsubscribe(ada, circumstances=BY_LINK)
    return ada


def goes_back(ada: Subscription, kind: Kind = Kind.CAME_BACK) -> bool:
    """From what they were told when they left."""
    assert ada.unsubscribed_at
    now = Subscription.objects.select_related("subscriber", "newsletter").get(pk=ada.pk)
    return lifecycle.take_back(now, left_at=ada.unsubscribed_at, kind=kind, circumstances=BY_LINK)


@pytest.mark.parametrize("status", ["active", "paused", "pending"])
@pytest.mark.parametrize("lapses", [False, True])
def test_sign_up_of_a_stranger_takes_nothing_from_whoever_left(
    daily: Newsletter, status: str, lapses: bool
) -> None:
    ada = left_by_the_page(daily, status=status, frequency="weekly")
    until = ada.paused_until

    asked = [lifecycle.subscribe(daily, email=ADA).status for _ in range(2)]
    if lapses:
        Letter.objects.all().delete()
        Newsletter.objects.update(forgets_unconfirmed_after=0)
        forgetting.forget(now=timezone.now(), until=timezone.now() + timedelta(hours=1))
    back = goes_back(ada)

    ada.refresh_from_db()
    assert (asked, back) == ([Status.PENDING] * 2, True)
    assert (ada.status, ada.frequency, ada.paused_until) == (status, "weekly", until)
    assert (ada.left_as, ada.unsubscribed_at) == ("", None)


def test_goodbye_mail_brings_the_way_back_all_the_same(daily: Newsletter) -> None:
    ada = factories.subscription(daily, ADA)
    leaving.leave(ada, via="", circumstances=BY_LINK)
    lifecycle.subscribe(daily, email=ADA)

    goodbye = Letter.objects.get(kind=Letter.Kind.GOODBYE)

    assert letters.send_due(goodbye.pk, now=timezone.now())
    assert "/s/back/" in str(mail.outbox[-1].body)


def test_way_back_ends_when_the_sign_up_is_confirmed(daily: Newsletter) -> None:
    ada = left_by_the_page(daily, status="paused")
    again = lifecycle.subscribe(daily, email=ADA)

    assert lifecycle.confirm(again, generation=again.generation)
    back = goes_back(ada)

    ada.refresh_from_db()
    assert (back, ada.status, ada.paused_until, ada.left_as) == (False, Status.ACTIVE, None, "")


def test_way_back_ends_with_a_leaving_after_the_sign_up(daily: Newsletter) -> None:
    ada = left_by_the_page(daily)
    lifecycle.unsubscribe(lifecycle.subscribe(daily, email=ADA))

    assert not goes_back(ada)
    ada.refresh_from_db()
    assert ada.status == Status.UNSUBSCRIBED


@pytest.mark.parametrize(("reason", "counts"), [("request", False), ("hard_bounce", True)])
@pytest.mark.parametrize("asks", [False, True])
def test_yes_to_another_newsletter_is_no_way_back_for_who_wanted_no_mail_at_all(
    daily: Newsletter, reason: str, counts: bool, asks: bool
) -> None:
    """It lifts either reason; but that an address works says nothing against an undo."""
    ada = left_by_the_page(daily)
    lifecycle.suppress(ADA, reason=Suppression.Reason(reason))
    if asks:
        lifecycle.subscribe(daily, email=ADA)
    other = lifecycle.subscribe(factories.newsletter("weekly"), email=ADA)

    assert lifecycle.confirm(other, generation=1)

    assert goes_back(ada, Kind.BROUGHT_BACK) is counts


def test_way_back_does_not_lead_to_a_mailbox_that_wanted_no_mail_at_all(daily: Newsletter) -> None:
    ada = left_by_the_page(daily)
    other = factories.subscription(factories.newsletter("weekly"), ADA)
    lifecycle.suppress(NEW, reason=Suppression.Reason.REQUEST)

    change = changing_address.ask(other.subscriber, new_email=NEW, now=timezone.now())
    assert change
    for end in ("old", "new"):
        state = changing_address.agree(change.pk, end=end, now=timezone.now(), circumstances=BY_LINK)

    assert state == changing_address.State.DONE
    assert not goes_back(ada, Kind.BROUGHT_BACK)
