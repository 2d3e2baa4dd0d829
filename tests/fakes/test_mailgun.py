"""Fake Mailgun. A fake must be as strict and exact as what it stands for: what it misses, no test of ours can find."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import pytest
import requests
from anymail.exceptions import AnymailRequestsAPIError
from django.core.mail import EmailMultiAlternatives

from tests.fakes.addresses import is_address
from tests.fakes.client import DOMAIN, KEY, Fake
from tests.fakes.forms import unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture(scope="module")
def running_mailgun() -> Iterator[Fake]:
    with Fake("mailgun", keep="all") as fake:
        yield fake


@pytest.fixture
def mailgun(running_mailgun: Fake, settings: Any) -> Fake:
    options = {"api_key": KEY, "sender_domain": DOMAIN, "api_url": running_mailgun.url}
    settings.MAILERS = {"default": {"BACKEND": "anymail.backends.mailgun.EmailBackend", "OPTIONS": options}}
    running_mailgun.reset()
    return running_mailgun


def posted(fake: Fake, data: dict[str, Any], *, key: str = KEY, **options: Any) -> requests.Response:
    url = f"{fake.url}/{DOMAIN}/messages"
    return requests.post(
        url, data={"from": "x@y.example", "text": "hi"} | data, auth=("api", key), timeout=5, **options
    )


def leave(address: str) -> str:
    return f"https://news.example/s/unsubscribe/{address}/"


def batch(*addresses: str) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        "For %recipient.name%",
        "Hi %recipient.name%",
        "The Tide <tide@mg.example.com>",
        [f"Reader <{a}>" for a in addresses],
    )
    message.attach_alternative("<p>Hi %recipient.name% – “you”</p>", "text/html")
    message.merge_data = {a: {"name": a.partition("@")[0].title()} for a in addresses}
    message.merge_headers = {a: {"List-Unsubscribe": f"<{leave(a)}>"} for a in addresses}
    message.merge_metadata = {a: {"delivery": f"d-{a}"} for a in addresses}
    message.tags = ["dispatch-1"]
    return message


def report(fake: Fake, *names: str) -> dict[str, Any]:
    seen = fake.seen()
    return {name: seen[name] for name in names}


def test_mailgun_shows_each_reader_their_own_mail(mailgun: Fake) -> None:
    message = batch(ADA, BOB)

    message.send()

    assert mailgun.message(BOB) == {
        "id": message.anymail_status.message_id,
        "from": "The Tide <tide@mg.example.com>",
        "to": f"Reader <{BOB}>",
        "subject": "For Bob",
        "text": "Hi Bob",
        "html": "<p>Hi Bob – “you”</p>",
        "headers": {"List-Unsubscribe": f"<{leave(BOB)}>"},
        "variables": {"delivery": f"d-{BOB}"},
        "tags": ["dispatch-1"],
    }
    assert mailgun.links() == {ADA: leave(ADA), BOB: leave(BOB)}
    assert mailgun.seen() == {
        "mails": 2, "recipients": 2, "duplicates": 0, "duplicated": {}, "links": 2, "without_link": 0,
        "kept": [ADA, BOB], "calls": 1, "repeats": 0, "faults": 0, "met": {}, "exposed": 0, "unfilled": 0,
    }  # fmt: skip


def test_mailgun_reads_multipart_as_well(mailgun: Fake) -> None:
    message = batch(ADA)
    message.attach("tide.csv", "1,2", "text/csv")

    message.send()

    assert mailgun.message(ADA)["html"] == "<p>Hi Ada – “you”</p>"


def test_mailgun_counts_a_reader_mailed_twice_whatever_the_case(mailgun: Fake) -> None:
    posted(mailgun, {"to": [ADA, BOB], "recipient-variables": "{}"})
    posted(mailgun, {"to": ADA.upper()})

    assert report(mailgun, "mails", "recipients", "duplicated", "calls") == {
        "mails": 3, "recipients": 2, "duplicated": {ADA: 2}, "calls": 2,
    }  # fmt: skip
    assert mailgun.counts() == {ADA: 2, BOB: 1}


def test_mailgun_notices_readers_shown_to_each_other_and_variables_without_value(mailgun: Fake) -> None:
    posted(mailgun, {"to": f"{ADA}, {BOB}"})
    posted(
        mailgun,
        {"to": ADA, "recipient-variables": json.dumps({BOB: {"name": "x"}}), "text": "%recipient.name%"},
    )

    shown = mailgun.messages(ADA)

    assert report(mailgun, "exposed", "unfilled", "without_link") == {
        "exposed": 2,
        "unfilled": 1,
        "without_link": 2,
    }
    assert (shown[0]["to"], shown[1]["text"]) == (f"{ADA}, {BOB}", "%recipient.name%")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"to": "nobody"}, "to parameter is not a valid address"),
        ({"to": [ADA, "a..b@example.com"]}, "to parameter is not a valid address"),
        ({"to": ADA, "from": ""}, "from parameter is missing"),
        ({}, "to parameter is missing"),
        ({"to": ADA, "text": ""}, "Need at least one of"),
        ({"to": [f"r{n}@example.com" for n in range(1001)]}, "too many recipients"),
        ({"to": ADA, "recipient-variables": "{"}, "not a valid JSON dictionary"),
        ({"to": ADA, "recipient-variables": '{"ada@example.com": 1}'}, "not a valid JSON dictionary"),
    ],
)
def test_mailgun_refuses_a_bad_call_as_a_whole(mailgun: Fake, data: dict[str, Any], says: str) -> None:
    answer = posted(mailgun, data)

    assert answer.status_code == 400
    assert says in answer.json()["message"]
    assert mailgun.counts() == {}


def test_mailgun_refuses_a_wrong_key_and_an_unknown_domain(mailgun: Fake) -> None:
    assert (posted(mailgun, {"to": ADA}, key="wrong").status_code, mailgun.counts()) == (401, {})
    with Fake("mailgun", args=("--domain", "other.example")) as strict:
        answer = posted(strict, {"to": ADA})
        assert (answer.status_code, answer.json()) == (404, {"message": f"Domain not found: {DOMAIN}"})


@pytest.mark.parametrize(
    ("address", "is_good"),
    [
        ("ada@example.com", True), ("a.d+a_%!'x@sub.example.co", True), ("ada@münchen.example", True),
        ("ada", False), ("@example.com", False), ("ada@localhost", False), (".ada@example.com", False),
        ("a b@example.com", False), ("ada@@example.com", False), ("ada@example..com", False), ("", False),
    ],
)  # fmt: skip
def test_mailgun_knows_an_address(address: str, is_good: bool) -> None:
    assert is_address(address) is is_good


@pytest.mark.parametrize("raw", [b"a+b%3D%0D%0A%25%C3%A9", b"%5F=+%09", b"%7Enot%2Fhing~/"])
def test_urlencoding_is_undone(raw: bytes) -> None:
    assert unescaped(raw) == unquote_plus(raw.decode())


def test_every_third_call_is_throttled_with_a_time_to_come_back(mailgun: Fake) -> None:
    mailgun.faults(throttle_every=3, retry_after=7)

    answers = [posted(mailgun, {"to": f"r{n}@example.com"}) for n in range(6)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 200, 429]
    assert answers[2].headers["Retry-After"] == "7"
    assert report(mailgun, "mails", "faults") == {"mails": 4, "faults": 2}


def test_errors_stop_after_so_many_times(mailgun: Fake) -> None:
    mailgun.faults(error_every=1, error_status=503, times=2)

    statuses = [posted(mailgun, {"to": ADA}).status_code for _ in range(3)]

    assert (statuses, mailgun.counts()) == ([503, 503, 200], {ADA: 1})


def test_a_call_is_taken_and_the_line_cut_before_the_answer(mailgun: Fake) -> None:
    mailgun.faults(drop_every=1, times=1)

    with pytest.raises(AnymailRequestsAPIError):
        batch(ADA).send()

    assert mailgun.counts() == {ADA: 1}


def test_a_call_hangs_without_being_taken(mailgun: Fake) -> None:
    mailgun.faults(hang_every=1, times=1)

    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{mailgun.url}/{DOMAIN}/messages", data={"to": ADA}, auth=("api", KEY), timeout=0.3)

    assert (mailgun.counts(), posted(mailgun, {"to": ADA}).status_code) == ({}, 200)


def test_chosen_readers_are_refused_and_answers_come_late(mailgun: Fake) -> None:
    mailgun.faults(refuse={BOB: 400}, latency=0.2)
    started = time.monotonic()

    statuses = [posted(mailgun, {"to": [ADA, BOB]}).status_code, posted(mailgun, {"to": ADA}).status_code]

    assert (statuses, mailgun.counts()) == ([400, 200], {ADA: 1})
    assert time.monotonic() - started >= 0.4


@pytest.mark.parametrize(("keep", "kept"), [("none", 0), ("sample", 50), ("all", 120)])
def test_only_the_wanted_mails_are_kept_whole(keep: Any, kept: int) -> None:
    addresses = [f"r{n}@example.com" for n in range(120)]
    variables = {address: {"link": f"<{leave(address)}>"} for address in addresses}
    data = {
        "to": addresses,
        "recipient-variables": json.dumps(variables),
        "h:List-Unsubscribe": "%recipient.link%",
    }

    with Fake("mailgun", keep=keep) as fake:
        posted(fake, data)

        assert (sum(len(fake.messages(a)) for a in addresses), fake.seen()["links"]) == (kept, 120)


def test_a_fake_is_gone_after_its_block() -> None:
    with Fake("mailgun") as fake:
        port = fake.port

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
