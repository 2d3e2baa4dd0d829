"""Fake Postmark, spoken to by Anymail's backend and by raw requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from django.core.mail import EmailMultiAlternatives

from tests.fakes.client import KEY, Fake

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture(scope="module")
def running_postmark() -> Iterator[Fake]:
    with Fake("postmark", keep="all") as fake:
        yield fake


@pytest.fixture
def postmark(running_postmark: Fake, settings: Any) -> Fake:
    options = {"server_token": KEY, "api_url": running_postmark.url, "message_stream": "broadcast"}
    settings.MAILERS = {"default": {"BACKEND": "anymail.backends.postmark.EmailBackend", "OPTIONS": options}}
    running_postmark.reset()
    return running_postmark


def leave(address: str) -> str:
    return f"https://news.example/s/unsubscribe/{address}/"


def mail(address: str = ADA, **more: Any) -> dict[str, Any]:
    headers = [{"Name": "List-Unsubscribe", "Value": f"<{leave(address)}>"}]
    return {
        "From": "The Tide <tide@example.com>",
        "To": address,
        "Subject": "The tide",
        "TextBody": "Hi",
        "Headers": headers,
    } | more


def posted(
    fake: Fake, body: Any, path: str = "email/batch", *, token: str = KEY, **options: Any
) -> requests.Response:
    headers = {"X-Postmark-Server-Token": token}
    return requests.post(f"{fake.url}{path}", json=body, headers=headers, timeout=5, **options)


def codes(answer: requests.Response) -> list[int]:
    assert answer.status_code == 200
    return [one["ErrorCode"] for one in answer.json()]


def test_postmark_takes_what_anymail_sends(postmark: Fake) -> None:
    message = EmailMultiAlternatives(
        "The tide", "Hi", "The Tide <tide@example.com>", [ADA, f'"B, ob" <{BOB}>']
    )
    message.attach_alternative("<p>Hi – “you”</p>", "text/html")
    message.merge_headers = {a: {"List-Unsubscribe": f"<{leave(a)}>"} for a in (ADA, BOB)}
    message.merge_metadata = {a: {"delivery": f"d-{a}"} for a in (ADA, BOB)}

    message.send()

    status = message.anymail_status.recipients[BOB]
    assert status.status == "sent"
    assert postmark.message(BOB) == {
        "MessageID": status.message_id,
        "MessageStream": "broadcast",
        "From": "The Tide <tide@example.com>",
        "To": f'"B, ob" <{BOB}>',
        "Subject": "The tide",
        "TextBody": "Hi",
        "HtmlBody": "<p>Hi – “you”</p>",
        "Headers": {"List-Unsubscribe": f"<{leave(BOB)}>"},
        "Metadata": {"delivery": f"d-{BOB}"},
    }
    assert postmark.links() == {ADA: leave(ADA), BOB: leave(BOB)}
    seen = postmark.seen()
    assert {name: seen[name] for name in ("mails", "links", "calls", "exposed")} == {
        "mails": 2, "links": 2, "calls": 1, "exposed": 0,
    }  # fmt: skip


def test_postmark_answers_each_mail_by_itself(postmark: Fake) -> None:
    postmark.faults(refuse={BOB: 406})

    answer = posted(postmark, [mail(ADA), mail("nobody"), mail(BOB), mail("cleo@example.com")])

    first, bad, inactive, last = answer.json()
    assert codes(answer) == [0, 300, 406, 0]
    assert (first["To"], first["Message"], last["To"]) == (ADA, "OK", "cleo@example.com")
    assert first["MessageID"] == postmark.message(ADA)["MessageID"] != last["MessageID"]
    assert bad["Message"] == "Error parsing 'To': Illegal email address 'nobody'."
    assert f"Found inactive addresses: {BOB}. Inactive" in inactive["Message"]
    assert postmark.counts() == {ADA: 1, "cleo@example.com": 1}


def test_postmark_is_understood_by_anymail_when_it_refuses(postmark: Fake) -> None:
    postmark.faults(refuse={BOB: 406})
    message = EmailMultiAlternatives("The tide", "Hi", "tide@example.com", [ADA, BOB])
    message.merge_data = {}

    message.send()

    recipients = message.anymail_status.recipients
    assert {a: found.status for a, found in recipients.items()} == {ADA: "sent", BOB: "rejected"}


def test_postmark_takes_one_mail_at_a_time_as_well(postmark: Fake) -> None:
    good, bad = posted(postmark, mail(), "email"), posted(postmark, mail("nobody"), "email")

    assert (good.status_code, good.json()["ErrorCode"]) == (200, 0)
    assert (bad.status_code, bad.json()["ErrorCode"]) == (422, 300)
    assert postmark.counts() == {ADA: 1}


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (mail(""), 300),
        (mail("a..b@example.com"), 300),
        (mail(f"{ADA}, nobody"), 300),
        (mail(TextBody=""), 300),
        (mail(From=""), 300),
        (mail(HtmlBody="x" * (5 * 1024**2 + 1)), 300),
        (mail(", ".join(f"r{n}@example.com" for n in range(51))), 300),
        (mail(Metadata={"x" * 21: "y"}), 300),
        (mail(Metadata={"x": "y" * 81}), 300),
        (mail(Headers={"List-Unsubscribe": "<https://x.example>"}), 403),
        (mail(Headers=[{"Name": "X", "Value": 1}]), 403),
        ("mail", 403),
    ],
)
def test_postmark_refuses_a_bad_mail_and_takes_the_others(postmark: Fake, bad: Any, code: int) -> None:
    assert codes(posted(postmark, [bad, mail(BOB)])) == [code, 0]
    assert postmark.counts() == {BOB: 1}


@pytest.mark.parametrize(("body", "code"), [({"Messages": []}, 403), ([mail()] * 501, 410)])
def test_postmark_refuses_what_is_no_batch(postmark: Fake, body: Any, code: int) -> None:
    answer = posted(postmark, body)

    assert (answer.status_code, answer.json()["ErrorCode"], postmark.counts()) == (422, code, {})


def test_postmark_takes_five_hundred_at_once(postmark: Fake) -> None:
    readers = [f"r{n}@example.com" for n in range(500)]

    answer = posted(postmark, [mail(reader, HtmlBody="<p>é“</p>" * 3500) for reader in readers])

    assert (codes(answer), postmark.counts()) == ([0] * 500, dict.fromkeys(readers, 1))
    assert [one["MessageID"] for one in answer.json()] == [postmark.message(r)["MessageID"] for r in readers]


def test_postmark_refuses_what_is_too_large_or_no_json(postmark: Fake) -> None:
    large = posted(postmark, [mail(HtmlBody="x" * 4_000_000)] * 14)
    broken = requests.post(
        f"{postmark.url}email/batch",
        "[{",
        headers={"X-Postmark-Server-Token": KEY, "Content-Type": "application/json"},
        timeout=5,
    )
    form = requests.post(
        f"{postmark.url}email", {"To": ADA}, headers={"X-Postmark-Server-Token": KEY}, timeout=5
    )

    assert (large.status_code, form.status_code) == (413, 415)
    assert (broken.status_code, broken.json()["ErrorCode"], postmark.counts()) == (422, 402, {})


def test_postmark_wants_its_token_and_its_paths(postmark: Fake) -> None:
    wrong, elsewhere = posted(postmark, [mail()], token="wrong"), posted(postmark, [mail()], "emails")

    assert (wrong.status_code, wrong.json()["ErrorCode"], elsewhere.status_code) == (401, 10, 404)
    assert postmark.counts() == {}


def test_postmark_notices_readers_shown_to_each_other(postmark: Fake) -> None:
    posted(postmark, [mail(f"{ADA}, {BOB}"), mail(ADA, Bcc=BOB)])

    assert (postmark.seen()["exposed"], postmark.counts()) == (2, {ADA: 2, BOB: 2})


def test_postmark_words_its_troubles(postmark: Fake) -> None:
    postmark.faults(throttle_every=2, error_every=3, error_status=503)

    answers = [posted(postmark, [mail()]) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 429, 503]
    assert [answer.json()["ErrorCode"] for answer in answers[1:]] == [429, 100]
    assert (answers[1].headers["Retry-After"], postmark.counts()) == ("1", {ADA: 1})
