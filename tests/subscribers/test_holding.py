"""The link to somebody's page: who has it, for how long, and what it is good for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import tokens
from subscribers.models import Letter, Subscriber, Subscription
from tests import factories
from tests.subscribers.manage_page import link


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def ada(daily: Newsletter) -> Subscription:
    return factories.subscription(daily, "ada@example.com")


def later(monkeypatch: pytest.MonkeyPatch, life: timedelta) -> None:
    then = (timezone.now() + life).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: then)


@pytest.mark.parametrize("step", ["", "delete/", "download/"])
def test_link_that_is_cut_altered_or_of_another_purpose_is_a_neutral_page(
    ada: Subscription, browser: Client, step: str
) -> None:
    token = tokens.manage_token(ada.subscriber)
    others = [
        tokens.confirm_token(ada),
        tokens.unsubscribe_token(ada.pk),
        tokens.change_token(ada.pk, end="old"),
    ]
    wrong = [token[:-1], f"1{token}", token.replace("~", "."), "x", *others]

    answers = [browser.get(f"/s/manage/{each}/{step}") for each in wrong]

    assert {answer.status_code for answer in answers} == {404}
    assert not any("example.com" in answer.text or "…@" in answer.text for answer in answers)


@pytest.mark.parametrize("purpose", ["confirm", "unsubscribe", "change", "back"])
def test_manage_link_is_good_for_nothing_else(ada: Subscription, browser: Client, purpose: str) -> None:
    token = tokens.manage_token(ada.subscriber)

    assert browser.get(f"/s/{purpose}/{token}/").status_code == 404


def test_link_that_has_run_out_offers_a_fresh_one_and_shows_nothing(
    ada: Subscription, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.subscriber.first_name = "Ada"
    ada.subscriber.save(update_fields=["first_name"])
    old = link(ada)
    later(monkeypatch, tokens.MANAGE_LIFE + timedelta(minutes=1))

    pages = [browser.get(old), browser.get(f"{old}download/"), browser.get(f"{old}delete/")]

    assert {page.status_code for page in pages} == {410}
    assert all("Mail me a fresh link" in page.text for page in pages)
    assert not any("Daily" in page.text or "Ada" in page.text for page in pages)
    for _ in range(2):
        answer = browser.post(f"{old}fresh/")
        assert (answer.status_code, "a…@e….com" in answer.text) == (200, True)
    assert [letter.kind for letter in Letter.objects.all()] == [Letter.Kind.MANAGE]


def test_link_from_before_a_move_opens_nothing(ada: Subscription, browser: Client) -> None:
    old = link(ada)
    Subscriber.objects.update(email="ada@new.example", address_key="0" * 64)

    page = browser.get(old)

    assert page.status_code == 410
    assert "leads nowhere" in page.text
    assert "…@" not in page.text


def test_unread_parameters_do_no_harm(ada: Subscription, browser: Client) -> None:
    page = browser.get(link(ada), {"saved": "<script>", "of": '"><b>', "language": "xx"})

    assert page.status_code == 200
    assert "<script>" not in page.text


def test_post_of_a_silly_size_is_refused_with_a_page(ada: Subscription, browser: Client) -> None:
    answers = [browser.post(link(ada, "you/"), {"first_name": "a" * 200_000}) for browser in (Client(),)]
    answers += [browser.post("/your-subscriptions/", {"email": "a" * 200_000})]

    assert [answer.status_code for answer in answers] == [413, 413]


def test_old_key_opens_the_page_and_a_strange_one_does_not(
    ada: Subscription, browser: Client, settings
) -> None:
    old = link(ada)
    settings.LINK_KEYS = ["newer", *settings.LINK_KEYS]
    assert browser.get(old).status_code == 200

    settings.LINK_KEYS = ["newer"]

    assert browser.get(old).status_code == 404
