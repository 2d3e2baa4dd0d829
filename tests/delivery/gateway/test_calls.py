"""What a hand-over keeps open, how it is told from another, and how large it may be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from delivery import gateway
from delivery.exceptions import AccountRefused
from delivery.gateway import kept
from delivery.messages import IssueMail, Recipient
from tests.delivery.gateway import mails
from tests.delivery.gateway.listener import DROP, Answer, Listener
from tests.delivery.gateway.mails import ALL, KEY, URLS, at, issue_mail, link, reader, spoken, use

BATCHES, EVERY = sorted(URLS), sorted(ALL)
ADA, BOB = reader(1, "ada@example.com"), reader(2, "bob@example.com")


@pytest.mark.parametrize("provider", ["mailgun", "postal"])
def test_connection_is_kept_open_from_call_to_call(provider: str, settings: Any) -> None:
    with Listener(Answer(200, b"{}")) as listener:
        use(settings, at(ALL[provider], listener))

        for _ in range(3):
            spoken(ADA)

        assert (len(listener.heard), listener.connections) == (3, 1)


@pytest.mark.parametrize("provider", ["mailgun", "postal"])
def test_connection_that_has_rested_is_not_trusted(
    provider: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "LONGEST_REST", 0.0)
    with Listener(Answer(200, b"{}")) as listener:
        use(settings, at(ALL[provider], listener))

        for _ in range(3):
            spoken(ADA)

        assert (len(listener.heard), listener.connections) == (3, 3)


@pytest.mark.parametrize("provider", ["mailgun", "resend", "postal"])
def test_our_key_is_not_replaced_by_one_that_lies_about(
    provider: str, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Listener(Answer(200, b"{}")) as listener:
        use(settings, at(ALL[provider], listener))

        spoken(ADA)

        [heard] = listener.heard
    said = {name: heard.headers.get(name) for name in ("Authorization", "X-Server-API-Key")}
    assert (
        said
        == {
            "mailgun": {"Authorization": "Basic YXBpOmtleQ==", "X-Server-API-Key": None},
            "resend": {"Authorization": "Bearer key", "X-Server-API-Key": None},
            "postal": {"Authorization": None, "X-Server-API-Key": "key"},
        }[provider]
    )


def test_keys_are_sent_where_the_provider_looks_for_them(settings: Any) -> None:
    with Listener(Answer(200, b'{"data": [{"id": "5"}]}')) as listener:
        use(settings, at(URLS["resend"], listener))
        spoken(ADA)
        use(settings, at(URLS["brevo"], listener))
        spoken(ADA)

        resend, brevo = listener.heard

    assert resend.headers["Idempotency-Key"] == KEY
    assert json.loads(brevo.body)["headers"] == {"idempotencyKey": KEY}


@pytest.mark.parametrize("provider", EVERY)
def test_same_readers_and_key_have_the_same_fingerprint_and_others_another(
    provider: str, settings: Any
) -> None:
    use(settings, "postal://key?api_url=http://127.0.0.1:9/" if provider == "postal" else ALL[provider])
    mail, other = issue_mail(), issue_mail(subject="Something else")

    def fingerprint(mail: IssueMail, *recipients: Recipient, key: str = KEY) -> str:
        return gateway.ready(mail, recipients, alias="bulk", key=key).fingerprint

    assert fingerprint(mail, ADA, BOB) == fingerprint(issue_mail(), ADA, BOB)
    assert len({
        fingerprint(mail, ADA, BOB),
        fingerprint(mail, ADA),
        fingerprint(mail, BOB, ADA),
        fingerprint(mail, ADA, reader(3, "bob@example.com")),
        fingerprint(mail, ADA, Recipient(2, BOB.address, {"unsubscribe_url": link(3)})),
        fingerprint(mail, ADA, BOB, key="another"),
        fingerprint(other, ADA, BOB),
    }) == 7  # fmt: skip


@pytest.mark.parametrize("provider", BATCHES)
def test_call_too_large_for_the_provider_leaves_readers_for_the_next(
    provider: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "x" * 4000
    found = gateway.profiles.PROFILES[provider]
    smaller = gateway.profiles.replace(found, largest_call=3 * 4600)
    monkeypatch.setitem(gateway.profiles.PROFILES, provider, smaller)
    with Listener(DROP) as listener:
        use(settings, at(URLS[provider], listener))
        recipients = [
            Recipient(one.delivery_id, one.address, {**one.values, "name": long}) for one in mails.readers(5)
        ]

        receipt = spoken(*recipients, mail=issue_mail(html=mails.HTML + "x" * 4000))

        doubted = list(receipt.uncertain)
    assert doubted == [1, 2, 3, 4, 5] if provider in {"mailgun", "mailjet", "sendgrid"} else [1, 2, 3]


def test_same_address_twice_is_refused_before_anything_is_spoken(settings: Any) -> None:
    use(settings, URLS["mailgun"])

    with pytest.raises(AccountRefused, match="twice"):
        gateway.ready(issue_mail(), [ADA, reader(2, ADA.address)], alias="bulk")
