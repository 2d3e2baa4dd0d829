"""What the proof says of whoever pressed "send it again"."""

from __future__ import annotations

import pytest
from django.test import Client

from newsletter.models import Newsletter
from subscribers import sign_ups
from subscribers.models import ConsentEvent, SignUp, Subscription
from subscribers.proof import receipts
from tests import factories
from tests.subscribers.forms import posted_by

PATH = "/daily/subscribe/"


def test_send_it_again_is_told_apart_from_a_second_wish(daily: Newsletter) -> None:
    browser = Client()
    posted = {"email": "ada@example.com", "ref": "bo"}
    page = browser.post(PATH, posted).text
    browser.post("/daily/subscribe/again/", posted_by(page, "/daily/subscribe/again/"))
    browser.post(PATH, posted)
    for number in SignUp.objects.order_by("pk").values_list("pk", flat=True):
        sign_ups.take_in(number)

    ada = Subscription.objects.select_related("subscriber").get()
    receipt = receipts.of(ada.subscriber, newsletter_ids=None)

    assert [step.what for step in receipt.parts[0].steps] == [
        "asked for it",
        "asked again for the mail",
        "asked for it",
    ]
    assert [event.details.get("again") for event in receipt.told] == [None, True, None]
    assert ada.source == {"ref": "bo"}


@pytest.mark.parametrize(
    ("was", "is_told"), [("deleted", None), ("left", None), ("waiting", True), ("reading", True)]
)
def test_send_it_again_in_an_old_tab_may_begin_it_anew(
    daily: Newsletter, was: str, is_told: bool | None
) -> None:
    """What it would repeat is over: this press is what stands for the wish, with the words that were shown."""
    statuses = {"left": "unsubscribed", "waiting": "pending", "reading": "active"}
    if was in statuses:
        factories.subscription(daily, "ada@example.com", status=statuses[was])
    browser = Client()
    page = browser.post(PATH, {"email": "ada@example.com"}).text
    SignUp.objects.all().delete()

    browser.post("/daily/subscribe/again/", posted_by(page, "/daily/subscribe/again/"))
    sign_ups.take_in(SignUp.objects.get().pk)

    assert ConsentEvent.objects.get().details.get("again") is is_told
