"""Leaving by mail through Postal, which signs what it posts."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from config import checks
from newsletter.models import Newsletter
from subscribers.models import Subscription
from tests import factories
from tests.delivery.test_inbound import post, problems, subject_of, through
from tests.fakes import inbound as fakes
from tests.fakes import postal_key
from tests.fakes.inbound import JSON, Mail, Posting

__all__ = ["through"]  # a fixture

PEM = f"-----BEGIN PUBLIC KEY-----\n{postal_key.KEY[:64]}\n{postal_key.KEY[64:]}\n-----END PUBLIC KEY-----\n"
OF_ANOTHER_KIND = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="  # Ed25519


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"message": 3}', b'{"message": "?"}', b"null"])
def test_what_postal_signed_and_nobody_can_read_is_counted(
    through: Callable[[str], None], settings: Any, db: None, body: bytes
) -> None:
    through("postal")
    signature = base64.b64encode(postal_key.signature(body)).decode()

    answer = post(Posting(body, JSON, {"X-Postal-Signature": signature}))

    assert (answer.status_code, len(problems())) == (200, 1)


def test_mail_in_other_letters_than_utf_8_is_read(
    daily: Newsletter, through: Callable[[str], None], settings: Any
) -> None:
    ada, *_ = factories.cast(daily)
    through("postal")
    raw = Mail(subject=subject_of(ada), text="Grüße").raw.replace("utf-8", "iso-8859-1").encode("latin-1")
    told = {
        "id": 1,
        "rcpt_to": "leave@in.example.org",
        "message": base64.b64encode(raw).decode(),
        "base64": True,
    }
    body = json.dumps(told).encode()
    signature = base64.b64encode(postal_key.signature(body)).decode()

    post(Posting(body, JSON, {"X-Postal-Signature": signature}))

    assert Subscription.objects.get(pk=ada.pk).status == "unsubscribed"


@pytest.mark.parametrize(
    "key",
    [
        f" {postal_key.KEY}\n",
        PEM,
        PEM.replace("\n", ""),
        PEM.replace("\n", " "),
        PEM.replace("\n", r"\n"),
        f"v=DKIM1; t=s; h=sha256; p={postal_key.KEY};",
        f'"v=DKIM1; p={postal_key.KEY[:99]}" "{postal_key.KEY[99:]}"',
    ],
)
def test_its_key_may_be_a_dkim_records_or_a_files(
    daily: Newsletter, through: Callable[[str], None], settings: Any, key: str
) -> None:
    ada, *_ = factories.cast(daily)
    through("postal")
    settings.INBOUND_SECRET = key

    answer = post(fakes.postal(Mail(subject=subject_of(ada)), secret=postal_key.KEY, url=""))

    assert checks.unsubscribe_address_is_read() == []
    assert answer.status_code == 200
    assert Subscription.objects.get(pk=ada.pk).status == "unsubscribed"


@pytest.mark.parametrize(
    "key",
    [
        "courant:a-password-of-thirty-two-letters",
        postal_key.KEY[:-8],
        "v=DKIM1; p=;",
        "Schlüssel",
        OF_ANOTHER_KIND,
    ],
)
def test_key_that_is_none_lets_nobody_in(
    daily: Newsletter, through: Callable[[str], None], settings: Any, key: str
) -> None:
    ada, *_ = factories.cast(daily)
    through("postal")
    settings.INBOUND_SECRET = key

    answer = post(fakes.postal(Mail(subject=subject_of(ada)), secret=postal_key.KEY, url=""))

    assert [each.id for each in checks.unsubscribe_address_is_read()] == ["courant.E016"]
    assert answer.status_code == 403
    assert Subscription.objects.get(pk=ada.pk).status == "active"
