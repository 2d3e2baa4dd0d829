"""Every fault of every provider: what a caller sees of it, and whether the mail was taken."""

from __future__ import annotations

import email.utils
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.fakes.client import DOMAIN, KEY, SECRET, Fake
from tests.fakes.faults import TAKEN, Faults

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA, TIDE = "ada@example.com", "tide@example.com"
PLAIN = {"from": TIDE, "to": ADA, "subject": "The tide", "text": "Hi"}
OBJECTS = {"from": {"email": TIDE}, "to": [{"email": ADA}], "subject": "The tide", "text": "Hi"}
# provider: (path, how it is told who calls, the call)
CALLS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "mailgun": (f"/{DOMAIN}/messages", {"auth": ("api", KEY)}, {"data": PLAIN}),
    "resend": ("emails/batch", {"headers": {"Authorization": f"Bearer {KEY}"}}, {"json": [PLAIN]}),
    "postmark": (
        "email/batch",
        {"headers": {"X-Postmark-Server-Token": KEY}},
        {"json": [{"From": TIDE, "To": ADA, "TextBody": "Hi"}]},
    ),
    "brevo": (
        "smtp/email",
        {"headers": {"api-key": KEY}},
        {
            "json": {
                "sender": {"email": TIDE},
                "to": [{"email": ADA}],
                "subject": "The tide",
                "textContent": "Hi",
            }
        },
    ),
    "sendgrid": (
        "mail/send",
        {"headers": {"Authorization": f"Bearer {KEY}"}},
        {
            "json": {
                "from": {"email": TIDE},
                "personalizations": [{"to": [{"email": ADA}], "subject": "The tide"}],
                "content": [{"type": "text/plain", "value": "Hi"}],
            }
        },
    ),
    "mailjet": (
        "send",
        {"auth": (KEY, SECRET)},
        {"json": {"Messages": [{"From": {"Email": TIDE}, "To": [{"Email": ADA}], "TextPart": "Hi"}]}},
    ),
    "mailtrap": ("send", {"headers": {"Api-Token": KEY}}, {"json": OBJECTS}),
}


@pytest.fixture(scope="module", params=CALLS)
def running(request: pytest.FixtureRequest) -> Iterator[Fake]:
    with Fake(request.param, keep="all") as fake:
        yield fake


@pytest.fixture
def fake(running: Fake) -> Fake:
    running.reset()
    return running


@pytest.fixture(scope="module")
def one_running() -> Iterator[Fake]:
    with Fake("resend") as fake:
        yield fake


@pytest.fixture
def one_fake(one_running: Fake) -> Fake:
    """For what does not depend on whose fake it is."""
    one_running.reset()
    return one_running


def spoken(fake: Fake, *, timeout: float = 5) -> requests.Response:
    path, who, call = CALLS[fake.name]
    return requests.post(f"{fake.url}{path}", timeout=timeout, **who, **call)


def outcome(fake: Fake) -> str:
    """In short, what the caller sees."""
    try:
        answer = spoken(fake, timeout=0.3)
    except requests.exceptions.ChunkedEncodingError:
        return "within the answer"
    except requests.RequestException as error:
        broken_off = "BadStatusLine" in str(
            error
        )  # before the end of its first line: SendGrid's answers have no body
        return "within the answer" if broken_off else type(error).__name__
    if not answer.ok:
        return str(answer.status_code)
    try:
        if answer.content:  # SendGrid says nothing more than its 202
            answer.json()
    except ValueError:
        return answer.headers["Content-Type"].partition(";")[0]
    return "good"


@pytest.mark.parametrize(
    ("kind", "sees"),
    [
        ("throttle", "429"), ("error", "500"), ("hang", "ReadTimeout"), ("reset", "ConnectionError"),
        ("drop", "ConnectionError"), ("error_after", "503"), ("hang_after", "ReadTimeout"), ("html", "text/html"),
        ("garbled", "application/json"), ("cut", "within the answer"),
    ],
)  # fmt: skip
def test_a_fault_is_seen_and_counted(fake: Fake, kind: Any, sees: str) -> None:
    fake.faults(**{f"{kind}_every": 1, "times": 1})

    seen = [outcome(fake), outcome(fake)]

    assert seen == [sees, "good"]
    assert fake.counts() == {ADA: 1 + (kind in TAKEN)}
    assert (fake.seen()["faults"], fake.seen()["met"]) == (1, {kind: 1})


def test_a_late_call_is_taken_after_its_caller_has_gone(fake: Fake) -> None:
    fake.faults(late_every=1, times=1, late=0.4)

    seen, before = outcome(fake), fake.counts()
    time.sleep(0.3)

    assert (seen, before, fake.counts()) == ("ReadTimeout", {}, {ADA: 1})


def test_chance_falls_the_same_way_for_the_same_seed(one_fake: Fake) -> None:
    fallen = []
    for seed in (7, 7, 8):
        one_fake.reset()
        one_fake.faults(chance={"drop": 0.3, "error": 0.3}, seed=seed)
        fallen.append([outcome(one_fake) for _ in range(30)])
        taken = sum(seen in {"good", "ConnectionError"} for seen in fallen[-1])
        assert one_fake.counts() == {ADA: taken}

    assert fallen[0] == fallen[1] != fallen[2]
    assert set(fallen[0]) == {"good", "500", "ConnectionError"}


def test_a_refusal_says_when_to_come_back_or_not(one_fake: Fake) -> None:
    one_fake.faults(throttle_every=1, retry_after=60, retry_after_as="date")
    dated = email.utils.parsedate_to_datetime(spoken(one_fake).headers["Retry-After"]).timestamp()
    one_fake.faults(throttle_every=1, retry_after=None)
    silent = spoken(one_fake)
    one_fake.faults(throttle_every=1, retry_after=7)
    plain = spoken(one_fake)

    assert 58 < dated - time.time() <= 60
    assert ("Retry-After" in silent.headers, plain.headers["Retry-After"]) == (False, "7")
    assert one_fake.counts() == {}


def test_more_calls_a_second_than_allowed_are_throttled(one_fake: Fake) -> None:
    one_fake.faults(per_second=3)
    at_once = [spoken(one_fake).status_code for _ in range(5)]
    time.sleep(1.1)
    later = spoken(one_fake).ok

    assert ([status == 429 for status in at_once], later) == ([False] * 3 + [True] * 2, True)
    assert one_fake.counts() == {ADA: 4}


def test_a_seed_decides_by_the_number_of_calls_alone() -> None:
    one, other = (Faults(chance={"drop": 0.2}, seed=3) for _ in range(2))
    other.times = 2

    drawn = [[faults.next() for _ in range(100)] for faults in (one, other)]

    assert 10 < drawn[0].count("drop") < 30
    assert drawn[1][: drawn[0].index("drop") + 1] == drawn[0][: drawn[0].index("drop") + 1]
    assert drawn[1].count("drop") == 2
