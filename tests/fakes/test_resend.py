"""Fake Resend, spoken to by Anymail's backend and by raw requests."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
import requests
from django.core.mail import EmailMultiAlternatives

from tests.fakes.client import KEY, Fake

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA, BOB = "ada@example.com", "bob@example.com"
FORMAT = "The email address needs to follow the `email@example.com` or `Name <email@example.com>` format."


@pytest.fixture(scope="module")
def running_resend() -> Iterator[Fake]:
    with Fake("resend", keep="all") as fake:
        yield fake


@pytest.fixture
def resend(running_resend: Fake, settings: Any) -> Fake:
    options = {"api_key": KEY, "api_url": running_resend.url}
    settings.MAILERS = {"default": {"BACKEND": "anymail.backends.resend.EmailBackend", "OPTIONS": options}}
    running_resend.reset()
    return running_resend


def leave(address: str) -> str:
    return f"https://news.example/s/unsubscribe/{address}/"


def mail(address: str = ADA, **more: Any) -> dict[str, Any]:
    headers = {"List-Unsubscribe": f"<{leave(address)}>"}
    return {
        "from": "The Tide <tide@example.com>",
        "to": [address],
        "subject": "The tide",
        "text": "Hi",
        "headers": headers,
    } | more


def posted(
    fake: Fake, body: Any, path: str = "emails/batch", *, key: str | None = None, **headers: str
) -> requests.Response:
    sent = {"Authorization": f"Bearer {KEY}"} | {n.replace("_", "-"): v for n, v in headers.items()}
    sent |= {"Idempotency-Key": key} if key is not None else {}
    return requests.post(f"{fake.url}{path}", json=body, headers=sent, timeout=5)


def said(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert body["statusCode"] == answer.status_code
    return answer.status_code, body["name"], body["message"]


def test_resend_takes_what_anymail_sends(resend: Fake) -> None:
    message = EmailMultiAlternatives("The tide", "Hi", "The Tide <tide@example.com>", [ADA, f"Bob <{BOB}>"])
    message.attach_alternative("<p>Hi – “you”</p>", "text/html")
    message.merge_headers = {a: {"List-Unsubscribe": f"<{leave(a)}>"} for a in (ADA, BOB)}

    message.send()

    status = message.anymail_status.recipients[BOB]
    assert resend.message(BOB) == {
        "id": status.message_id,
        "from": "The Tide <tide@example.com>",
        "to": [f"Bob <{BOB}>"],
        "subject": "The tide",
        "text": "Hi",
        "html": "<p>Hi – “you”</p>",
        "headers": {"List-Unsubscribe": f"<{leave(BOB)}>"},
    }
    assert resend.links() == {ADA: leave(ADA), BOB: leave(BOB)}
    assert resend.seen() == {
        "mails": 2, "recipients": 2, "duplicates": 0, "duplicated": {}, "links": 2, "without_link": 0,
        "kept": [ADA, BOB], "calls": 1, "repeats": 0, "faults": 0, "met": {}, "exposed": 0, "unfilled": 0,
    }  # fmt: skip


def test_resend_takes_one_mail_at_a_time_as_well(resend: Fake) -> None:
    answer = posted(resend, mail(), "emails")

    assert (answer.status_code, answer.json()) == (200, {"id": resend.message(ADA)["id"]})


def test_resend_answers_a_key_it_knows_and_sends_nothing(resend: Fake) -> None:
    first = posted(resend, [mail(ADA), mail(BOB)], key="k-1")
    again = posted(resend, [mail(ADA), mail(BOB)], key="k-1")
    another = posted(resend, [mail(ADA)], key="k-2")

    assert (first.status_code, again.status_code, first.json()) == (200, 200, again.json())
    assert another.json() != first.json()
    assert (resend.counts(), resend.seen()["repeats"]) == ({ADA: 2, BOB: 1}, 1)


@pytest.mark.parametrize(
    ("path", "body"), [("emails/batch", [mail(BOB)]), ("emails", mail()), ("emails/batch", [])]
)
def test_resend_refuses_a_key_for_something_else(resend: Fake, path: str, body: Any) -> None:
    posted(resend, [mail()], key="k-1")

    assert said(posted(resend, body, path, key="k-1")) == (
        409,
        "invalid_idempotent_request",
        "Same idempotency key used with a different request payload.",
    )
    assert resend.counts() == {ADA: 1}


def test_resend_refuses_a_key_that_is_still_worked_on(resend: Fake) -> None:
    resend.faults(latency=0.4)
    first: list[requests.Response] = []
    thread = threading.Thread(target=lambda: first.append(posted(resend, [mail()], key="k-1")))
    thread.start()
    time.sleep(0.15)
    meanwhile = posted(resend, [mail()], key="k-1")
    thread.join()
    later = posted(resend, [mail()], key="k-1")

    assert said(meanwhile) == (
        409,
        "concurrent_idempotent_requests",
        "Same idempotency key used while original request is still in progress.",
    )
    assert (first[0].status_code, later.json()) == (200, first[0].json())
    assert (resend.counts(), resend.seen()["repeats"]) == ({ADA: 1}, 1)


def test_resend_forgets_a_key_in_the_end(resend: Fake) -> None:
    resend.faults(key_life=0.1)
    posted(resend, [mail()], key="k-1")
    time.sleep(0.15)

    assert posted(resend, [mail()], key="k-1").status_code == 200
    assert (resend.counts(), resend.seen()["repeats"]) == ({ADA: 2}, 0)


def test_resend_remembers_no_key_of_a_call_it_refused(resend: Fake) -> None:
    refused = posted(resend, [mail("nobody")], key="k-1")
    mended = posted(resend, [mail()], key="k-1")

    assert (refused.status_code, mended.status_code, resend.counts()) == (422, 200, {ADA: 1})


@pytest.mark.parametrize("key", ["", "x" * 257])
def test_resend_refuses_a_key_of_a_wrong_length(resend: Fake, key: str) -> None:
    assert said(posted(resend, [mail()], key=key)) == (
        400,
        "invalid_idempotency_key",
        "The key must be between 1-256 chars.",
    )
    assert posted(resend, [mail()], key="x" * 256).status_code == 200


@pytest.mark.parametrize(
    ("bad", "name", "message"),
    [
        (mail("nobody"), "validation_error", f"Invalid `to` field. {FORMAT}"),
        (mail(to=[ADA, "a..b@example.com"]), "validation_error", f"Invalid `to` field. {FORMAT}"),
        (mail(to=7), "validation_error", "The `to` field must be a `string` or an `array` of strings."),
        (mail(to=[]), "missing_required_field", "Missing `to` field."),
        (mail(subject=""), "missing_required_field", "Missing `subject` field."),
        (mail(text=""), "missing_required_field", "Missing `html` or `text` field."),
        (mail(**{"from": "Tide"}), "invalid_from_address", f"Invalid `from` field. {FORMAT}"),
        (mail(headers={"X": 1}), "validation_error", "The `headers` field must be an `object` of strings."),
        (
            mail(scheduled_at="now"),
            "validation_error",
            "The `scheduled_at` field is not supported in batches.",
        ),
        (
            mail(tags=[{"name": "issue", "value": "é"}]),
            "validation_error",
            "Tags should only contain ASCII letters, numbers, underscores, or dashes.",
        ),
        (
            mail(to=[f"r{n}@example.com" for n in range(51)]),
            "validation_error",
            "The `to` field must have at most 50 addresses.",
        ),
        ("mail", "validation_error", "Each email must be an `object`."),
    ],
)
def test_resend_refuses_a_whole_batch_for_one_bad_mail(
    resend: Fake, bad: Any, name: str, message: str
) -> None:
    assert said(posted(resend, [mail(BOB), bad])) == (422, name, message)
    assert resend.counts() == {}

    permissive = posted(resend, [mail(BOB), bad], x_batch_validation="permissive")

    assert permissive.json() == {
        "data": [{"id": resend.message(BOB)["id"]}],
        "errors": [{"index": 1, "message": message}],
    }
    assert resend.counts() == {BOB: 1}


@pytest.mark.parametrize("body", [{}, [], [mail()] * 101])
def test_resend_refuses_what_is_no_batch(resend: Fake, body: Any) -> None:
    assert posted(resend, body).status_code == 422
    assert posted(resend, [mail()] * 100).status_code == 200
    assert resend.counts() == {ADA: 100}


def test_resend_wants_a_key_and_a_name_of_who_calls(resend: Fake) -> None:
    url = f"{resend.url}emails"

    missing = requests.post(url, json=mail(), timeout=5)
    wrong = requests.post(url, json=mail(), headers={"Authorization": "Bearer wrong"}, timeout=5)
    with closing(HTTPConnection("127.0.0.1", resend.port, timeout=5)) as line:
        line.request("POST", "/emails", json.dumps(mail()), {"Authorization": f"Bearer {KEY}"})
        nameless = line.getresponse().status
    nowhere = posted(resend, mail(), "email")
    fetched = requests.get(url, timeout=5)

    assert [said(answer)[:2] for answer in (missing, wrong, nowhere, fetched)] == [
        (401, "missing_api_key"), (403, "invalid_api_key"), (404, "not_found"), (405, "method_not_allowed"),
    ]  # fmt: skip
    assert (nameless, resend.counts()) == (403, {})


def test_resend_refuses_chosen_readers(resend: Fake) -> None:
    resend.faults(refuse={BOB: 422})

    strict = posted(resend, [mail(ADA), mail(BOB)])
    permissive = posted(resend, [mail(ADA), mail(BOB)], x_batch_validation="permissive")

    assert (strict.status_code, permissive.json()["errors"][0]["index"]) == (422, 1)
    assert resend.counts() == {ADA: 1}


def test_resend_says_when_to_come_back(resend: Fake) -> None:
    resend.faults(throttle_every=1, retry_after=3)

    answer = posted(resend, [mail()], key="k-1")

    assert said(answer)[:2] == (429, "rate_limit_exceeded")
    assert (answer.headers["Retry-After"], answer.headers["Ratelimit-Remaining"]) == ("3", "0")
    assert resend.counts() == {}


def test_resend_answers_503_having_taken_it_and_knows_the_key(resend: Fake) -> None:
    resend.faults(error_after_every=1, times=1)

    answers = [posted(resend, [mail()], key="k-1") for _ in range(2)]

    assert said(answers[0])[:2] == (503, "internal_server_error")
    assert answers[1].json() == {"data": [{"id": resend.message(ADA)["id"]}]}
    assert (resend.counts(), resend.seen()["repeats"]) == ({ADA: 1}, 1)


def test_resend_works_on_after_the_caller_has_gone(resend: Fake) -> None:
    resend.faults(drop_every=1, times=1, key_busy=0.3)

    with pytest.raises(requests.ConnectionError):
        posted(resend, [mail()], key="k-1")
    meanwhile = posted(resend, [mail()], key="k-1")
    time.sleep(0.35)
    later = posted(resend, [mail()], key="k-1")

    assert (meanwhile.status_code, later.status_code, resend.counts()) == (409, 200, {ADA: 1})


def test_resend_takes_a_call_late_and_once(resend: Fake) -> None:
    resend.faults(late_every=1, times=1, late=0.4)

    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{resend.url}emails/batch",
            json=[mail()],
            headers={"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k-1"},
            timeout=0.1,
        )
    before, meanwhile = resend.counts(), posted(resend, [mail()], key="k-1")
    time.sleep(0.5)
    later = posted(resend, [mail()], key="k-1")

    assert (before, meanwhile.status_code, later.status_code) == ({}, 409, 200)
    assert resend.counts() == {ADA: 1}
