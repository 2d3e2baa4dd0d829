"""The pages of a change of address: on the reader's own, and behind the two letters."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from newsletter.models import Newsletter
from subscribers import changing_address, letters, tokens
from subscribers.changing_address import State
from subscribers.models import AddressChange, Letter, Subscription
from tests import factories
from tests.subscribers.moving import NEW, OLD, address, agree, send_all


@pytest.fixture
def ada(daily: Newsletter) -> Subscription:
    return factories.subscription(daily, OLD)


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def press(browser: Client, path: str, **typed: str):
    browser.get(path)
    return browser.post(path, typed, follow=True)


def test_from_the_page_to_both_mailboxes_and_done(ada: Subscription, browser: Client) -> None:
    manage = f"/s/manage/{tokens.manage_token(ada.subscriber)}/"
    typed = {"new_email": f" {NEW.upper()} "}
    page = browser.post(f"{manage}address/", typed, follow=True)
    assert NEW in page.text  # whoever typed it can spot a slip
    send_all()
    paths = {message.to[0]: re.search(r"(/s/change/\S+)", message.body)[1] for message in mail.outbox}
    assert set(paths) == {OLD, NEW}

    looked = [ask(path) for path in paths.values() for ask in (browser.get, browser.head)]
    assert [page.status_code for page in looked] == [200] * 4
    assert not AddressChange.objects.exclude(old_agreed_at=None, new_agreed_at=None).exists()
    assert not any(OLD in page.text for page in looked)
    assert all(NEW in page.text for page in looked if page.content)  # nobody agrees to what they cannot read
    pages = [press(browser, paths[OLD]), press(browser, paths[NEW])]

    assert "One yes is missing" in pages[0].text
    assert "You have moved" in pages[1].text
    assert address(ada) == NEW
    assert "You have moved" in browser.get(paths[OLD]).text


def test_old_end_can_call_it_off(ada: Subscription, change: AddressChange, browser: Client) -> None:
    agree(change, "new")
    path = f"/s/change/{tokens.change_token(change.pk, end='old')}/"

    answer = press(browser, path, no="1")

    assert (answer.status_code, agree(change, "old"), address(ada)) == (410, State.OVER, OLD)
    assert "This change is over" in answer.text


def test_new_end_cannot_call_anything_off(ada: Subscription, change: AddressChange, browser: Client) -> None:
    path = f"/s/change/{tokens.change_token(change.pk, end='new')}/"

    press(browser, path, no="1")

    change.refresh_from_db()
    assert change.new_agreed_at is not None


def test_page_calls_it_off(ada: Subscription, change: AddressChange, browser: Client) -> None:
    manage = f"/s/manage/{tokens.manage_token(ada.subscriber)}/"

    page = browser.post(f"{manage}address/keep/", follow=True)

    assert "Called off" in page.text
    assert agree(change, "old") == State.OVER


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("ada@mailinator.com", "stop working after a short time"),
        ("ada@gm\u0430il.com", "mixes letters of different alphabets"),
        ("", "Please type the new address"),
        ("ada@example", "check it for typos"),
        ("müller@example.com", "do not take “ü” before the @"),
        ("Ada@Example.com", "the address you have already"),
        ("a\0@example.com", "Null characters"),
        ("x@y.example\r\nBcc: z@y.example", "check it for typos"),
    ],
)
def test_wrong_address_is_said_at_the_field(
    ada: Subscription, browser: Client, typed: str, words: str
) -> None:
    manage = f"/s/manage/{tokens.manage_token(ada.subscriber)}/"

    page = browser.post(f"{manage}address/", {"new_email": typed})

    assert page.status_code == 422
    assert words in page.text
    assert not AddressChange.objects.exists()


@pytest.mark.parametrize("meant", ["ada@gmail.com", "ada@gmal.com"])
def test_slip_of_the_finger_is_asked_about(ada: Subscription, browser: Client, meant: str) -> None:
    path = f"/s/manage/{tokens.manage_token(ada.subscriber)}/address/"

    asked = browser.post(path, {"new_email": "ada@gmal.com"})
    assert not AddressChange.objects.exists()
    browser.post(path, {"meant": meant})

    assert (asked.status_code, "Did you mean <bdi>ada@gmail.com</bdi>?" in asked.text) == (422, True)
    assert re.findall(r'name="meant" value="([^"]+)"', asked.text) == ["ada@gmail.com", "ada@gmal.com"]
    assert AddressChange.objects.get().new_email == meant


def test_link_that_is_wrong_or_of_nobody_is_a_neutral_page(
    ada: Subscription, change: AddressChange, browser: Client
) -> None:
    token = tokens.change_token(change.pk, end="old")
    wrong = [
        token[:-1],
        f"1{token}",
        tokens.unsubscribe_token(change.pk),
        tokens.manage_token(ada.subscriber),
    ]
    nobodys = [tokens.change_token(change.pk + 1, end="new"), tokens.change_token(change.pk, end="third")]

    answers = [browser.get(f"/s/change/{each}/") for each in [*wrong, *nobodys]]

    assert [answer.status_code for answer in answers] == [404] * 4 + [410] * 2
    assert not any("…@" in answer.text for answer in answers)


def test_second_wish_within_the_hour_says_when_its_mails_leave(
    ada: Subscription, change: AddressChange, browser: Client
) -> None:
    Newsletter.objects.update(time_zone="Asia/Tokyo")
    send_all()
    first = Letter.objects.order_by("sent_at").last().sent_at

    second = changing_address.ask(ada.subscriber, new_email="ada@third.example", now=timezone.now())

    assert second
    assert changing_address.waits_until(second, now=timezone.now()) == first + letters.COOL_DOWN
    page = browser.get(f"/s/manage/{tokens.manage_token(ada.subscriber)}/")
    assert "Since you asked for another change just before" in page.text
    leaves = (first + letters.COOL_DOWN).astimezone(ZoneInfo("Asia/Tokyo"))
    assert f"they leave at {date_format(leaves, 'DATETIME_FORMAT')} (<bdi>Tokyo</bdi>)." in page.text
