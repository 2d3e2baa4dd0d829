"""What keeps a reader from being mailed, and what ends that."""

from __future__ import annotations

import pytest

from newsletter.models import Newsletter
from subscribers import lifecycle
from subscribers.models import (
    Subscription,
    Suppression,
)
from tests import factories
from tests.subscribers.happening import ADA, Status


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


def test_reader_whose_address_bounced_comes_back_by_confirming(daily: Newsletter) -> None:
    ada = factories.subscription(daily, ADA, status="paused")
    lifecycle.suppress(ADA, reason=Suppression.Reason.HARD_BOUNCE)

    again = lifecycle.subscribe(daily, email=ADA)

    assert (again.status, again.generation) == (Status.PENDING, 2)
    assert lifecycle.confirm(again, generation=2) is True
    assert again.paused_until is None
    assert Subscription.objects.mailable(daily).filter(pk=ada.pk).exists()


def test_heavier_reason_outweighs_what_was_known_before(db: None) -> None:
    found = []
    for reason in ("hard_bounce", "request", "hard_bounce", "complaint", "request"):
        lifecycle.suppress(ADA, reason=Suppression.Reason(reason))
        found.append(Suppression.objects.get().reason)

    assert found == ["hard_bounce", "request", "request", "complaint", "complaint"]
