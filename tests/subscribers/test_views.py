from __future__ import annotations

import pytest
from django.test import Client

from newsletter.models import Newsletter
from subscribers import tokens
from subscribers.models import Subscription
from tests import factories

Status = Subscription.Status


def status_of(subscription: Subscription) -> str:
    subscription.refresh_from_db()
    return subscription.status


@pytest.mark.parametrize("purpose", ["confirm", "unsubscribe"])
def test_altered_link_is_a_neutral_page_and_changes_nothing(daily: Newsletter, purpose: str) -> None:
    ada, bob, _ = factories.cast(daily)
    token = {"confirm": tokens.confirm_token(bob), "unsubscribe": tokens.unsubscribe_token(ada.pk)}[purpose]
    other = {"confirm": tokens.unsubscribe_token(ada.pk), "unsubscribe": tokens.confirm_token(bob)}[purpose]

    answers = [Client().post(f"/s/{purpose}/{changed}/") for changed in (token[:-2], "1" + token, other, "x")]

    assert {answer.status_code for answer in answers} == {404}
    assert not any("example.com" in answer.text for answer in answers)
    assert (status_of(ada), status_of(bob)) == (Status.ACTIVE, Status.PENDING)
