"""Leaving by mail through Mailtrap, which says only where the mail is."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from config import checks
from delivery import fetching
from newsletter.models import Newsletter
from subscribers.models import Subscription
from tests import factories
from tests.delivery.test_inbound import post, problems, quoting, subject_of
from tests.fakes.inbound import JSON, Mail, Posting

SECRET = "a-signing-secret-of-mailtraps"
API = "https://mailtrap.io/api/inbound/inboxes/77/messages/"
STORE = "https://store.example/raw/"


@dataclass
class Mailtrap(BaseAdapter):
    """Its interface, and the store that its mails lie in."""

    mails: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    is_away: bool = False
    refuses: dict[str, int] = field(default_factory=dict)  # with this status, by number

    def send(self, request: Any, *args: Any, timeout: Any = None, **kwargs: Any) -> requests.Response:
        assert timeout == fetching.PATIENCE
        self.asked.append((request.url, request.headers.get("Authorization", "")))
        if self.is_away:
            raise requests.ConnectTimeout
        number = request.url.rpartition("/")[2]
        answer = requests.Response()
        answer.status_code = self.refuses.get(number, 200 if number in self.mails else 404)
        found = json.dumps({"id": number, "raw_message_url": f"{STORE}{number}"}).encode()
        body = BytesIO(self.mails.get(number, b"") if request.url.startswith(STORE) else found)
        answer.raw = HTTPResponse(body, preload_content=False)
        return answer

    def close(self) -> None:
        pass


def mailtrap(*numbers: str, secret: str, inbox: int = 77) -> Posting:
    """Only where the mails can be fetched; and who they are from."""
    events = [
        {
            "event": "inbound.message_received",
            "event_id": secrets.token_hex(8),
            "timestamp": int(time.time() * 1000),
            "inbox_id": inbox,
            "message_id": number,
            "from": "ada@example.com",
        }
        for number in numbers
    ]
    body = json.dumps({"events": events}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Posting(body, JSON, {"Mailtrap-Signature": signature})


@pytest.fixture
def there(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Mailtrap:
    settings.UNSUBSCRIBE_ADDRESS, settings.INBOUND_SECRET = "leave@in.example.org", SECRET
    settings.HAND_OVER = {"bulk": {"scheme": "mailtrap"}}
    settings.MAILERS = settings.MAILERS | {"bulk": {"BACKEND": "x", "OPTIONS": {"api_token": "t0ken"}}}
    provider = Mailtrap()
    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: provider)
    return provider


@pytest.fixture
def ada(daily: Newsletter) -> Subscription:
    return factories.subscription(daily, "ada@example.com")


def status(reader: Subscription) -> str:
    return Subscription.objects.get(pk=reader.pk).status


@pytest.mark.parametrize("where", ["subject", "text"])
def test_mail_is_fetched_and_takes_its_reader_off_the_list(
    there: Mailtrap, ada: Subscription, where: str
) -> None:
    mail = Mail(subject=subject_of(ada)) if where == "subject" else Mail(text=quoting(ada))
    there.mails["m1"] = mail.raw.encode()

    answers = [post(mailtrap("m1", secret=SECRET)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert there.asked == [(f"{API}m1", "Bearer t0ken"), (f"{STORE}m1", "")] * 2
    assert (status(ada), problems()) == ("unsubscribed", [])


def test_nothing_is_fetched_for_whom_proves_nothing(there: Mailtrap, ada: Subscription) -> None:
    there.mails["m1"] = Mail(subject=subject_of(ada)).raw.encode()
    good = mailtrap("m1", secret=SECRET)

    answers = [post(mailtrap("m1", secret="another")), post(replace(good, headers={}))]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert (there.asked, status(ada)) == ([], "active")


@pytest.mark.parametrize("refuses", [None, 401, 403, 429, 500])
def test_mail_that_cannot_be_had_now_is_asked_for_again(
    there: Mailtrap, ada: Subscription, caplog: pytest.LogCaptureFixture, refuses: int | None
) -> None:
    there.mails["m1"] = Mail(subject=subject_of(ada)).raw.encode()
    there.is_away, there.refuses = refuses is None, {"m1": refuses or 200}

    first = post(mailtrap("m1", secret=SECRET))
    there.is_away, there.refuses = False, {}
    second = post(mailtrap("m1", secret=SECRET))

    assert (first.status_code, second.status_code, status(ada)) == (503, 200, "unsubscribed")
    why = f"HTTP {refuses}" if refuses else "ConnectTimeout"
    assert f"A mail to the unsubscribe address cannot be fetched now: {why}." in caplog.messages
    assert "t0ken" not in caplog.text


@pytest.mark.parametrize(
    ("fault", "answer", "noted"),
    [(200, 200, 1), (404, 200, 1), (410, 200, 1), (503, 503, 0)],
    ids=["too large", "unknown", "gone", "away"],
)
@pytest.mark.parametrize("order", [("ada", "bad"), ("bad", "ada")])
def test_mail_that_cannot_be_had_takes_no_other_of_its_post_with_it(
    there: Mailtrap,
    ada: Subscription,
    monkeypatch: pytest.MonkeyPatch,
    order: tuple[str, str],
    fault: int,
    answer: int,
    noted: int,
) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 100_000)
    there.mails = {"ada": Mail(subject=subject_of(ada)).raw.encode(), "bad": b"x" * 200_000}
    there.refuses = {"bad": fault}

    found = post(mailtrap(*order, secret=SECRET))

    assert (found.status_code, status(ada), len(problems())) == (answer, "unsubscribed", noted)


def test_number_that_leads_elsewhere_is_asked_for_as_it_is(there: Mailtrap, db: None) -> None:
    post(mailtrap("../../accounts?x=1", secret=SECRET))

    assert [url for url, _ in there.asked] == [f"{API}..%2F..%2Faccounts%3Fx%3D1"]


def test_too_large_a_mail_is_not_read_to_its_end(
    there: Mailtrap, ada: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 100_000)
    there.mails["m1"] = Mail(subject=subject_of(ada), text="x" * 200_000).raw.encode()

    answer = post(mailtrap("m1", secret=SECRET))

    assert (answer.status_code, status(ada), len(problems())) == (200, "active", 1)


def test_mail_to_another_address_and_mailtraps_own_trial_do_nothing(
    there: Mailtrap, ada: Subscription
) -> None:
    there.mails["m1"] = Mail(subject=subject_of(ada), to="editors@in.example.org").raw.encode()

    answers = [post(mailtrap("m1", secret=SECRET)), post(mailtrap("m1", secret=SECRET, inbox=1))]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert (status(ada), problems(), len(there.asked)) == ("active", ["to another address"], 2)


def test_its_signing_secret_is_all_that_is_to_be_set(there: Mailtrap) -> None:
    assert checks.unsubscribe_address_is_read() == []
