"""The fakes that put each reader's own words into a shared mail, spoken to by Anymail's backends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from django.core.mail import EmailMultiAlternatives

from tests.fakes.client import KEY, SECRET, Fake

if TYPE_CHECKING:
    from collections.abc import Iterator

# Anymail says so on every use; we speak to SendGrid at our own risk, and its fake says whether that goes well.
pytestmark = pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
ADA, BOB = "ada@example.com", "bob@example.com"
OPTIONS: dict[str, dict[str, Any]] = {
    "brevo": {"api_key": KEY},
    "sendgrid": {"api_key": KEY, "merge_field_format": "-{}-"},
    "mailjet": {"api_key": KEY, "secret_key": SECRET},
    "mailtrap": {"api_token": KEY},
}
SLOTS = {"brevo": "{{ params.name }}", "sendgrid": "-name-", "mailjet": "[[var:name]]"}


@pytest.fixture(scope="module", params=OPTIONS)
def running(request: pytest.FixtureRequest) -> Iterator[Fake]:
    with Fake(request.param, keep="all") as fake:
        yield fake


@pytest.fixture
def fake(running: Fake, settings: Any) -> Fake:
    backend = f"anymail.backends.{running.name}.EmailBackend"
    options = OPTIONS[running.name] | {"api_url": running.url}
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    running.reset()
    return running


@pytest.fixture
def brevo() -> Iterator[Fake]:
    with Fake("brevo", keep="all") as fake:
        yield fake


def leave(address: str) -> str:
    return f"https://news.example/s/unsubscribe/{address}/"


def batch(*addresses: str, slot: str) -> Any:
    message: Any = EmailMultiAlternatives(
        f"For {slot}", f"Hi {slot}", "The Tide <tide@example.com>", [*addresses]
    )
    message.attach_alternative(f"<p>Hi {slot} – “you”</p>", "text/html")
    message.merge_data = {a: {"name": a.partition("@")[0].title()} for a in addresses}
    message.merge_headers = {a: {"List-Unsubscribe": f"<{leave(a)}>"} for a in addresses}
    return message


def totals(fake: Fake) -> dict[str, int]:
    seen = fake.seen()
    return {name: seen[name] for name in ("mails", "links", "calls", "exposed", "unfilled", "repeats")}


def test_each_reader_gets_their_own_mail(fake: Fake) -> None:
    slot = SLOTS.get(fake.name, "you")  # Mailtrap fills only its own templates
    name = "Bob" if fake.name in SLOTS else "you"
    message = batch(ADA, BOB, slot=slot)

    message.send()

    got = fake.message(BOB)
    assert [got[part] for part in ("subject", "text", "html")] == [
        f"For {name}", f"Hi {name}", f"<p>Hi {name} – “you”</p>",
    ]  # fmt: skip
    assert got["headers"] == {"List-Unsubscribe": f"<{leave(BOB)}>"}
    assert [one.get("email", one.get("Email")) for one in got["to"]] == [BOB]
    assert fake.links() == {ADA: leave(ADA), BOB: leave(BOB)}
    assert totals(fake) == {"mails": 2, "links": 2, "calls": 1, "exposed": 0, "unfilled": 0, "repeats": 0}
    assert {found.status for found in message.anymail_status.recipients.values()} <= {"queued", "sent"}


def test_a_slot_without_a_value_and_readers_shown_to_each_other_are_noticed(fake: Fake) -> None:
    if fake.name in SLOTS:
        unfilled = batch(ADA, BOB, slot=SLOTS[fake.name])
        unfilled.merge_data = {ADA: {"name": "Ada"}}
        unfilled.send()
    EmailMultiAlternatives("x", "x", "tide@example.com", [ADA, BOB]).send()

    seen = fake.seen()
    assert (seen["exposed"], seen["unfilled"]) == (2, int(fake.name in SLOTS))


def test_a_bad_reader_is_refused_alone_or_with_the_whole_call(fake: Fake) -> None:
    fake.faults(refuse={BOB: 400})
    alone = fake.name in {"mailjet", "mailtrap"}

    try:
        batch(ADA, BOB, slot="you").send()
    except Exception as error:  # each backend has its own
        said = str(error)
    else:
        said = ""

    assert fake.counts() == ({ADA: 1} if alone else {})
    assert alone or "400" in said


def test_a_wrong_key_is_refused(fake: Fake, settings: Any) -> None:
    for name in OPTIONS[fake.name].keys() - {"merge_field_format"}:
        settings.MAILERS["default"]["OPTIONS"][name] = "wrong"

    with pytest.raises(Exception, match="401"):
        batch(ADA, slot="you").send()

    assert fake.counts() == {}


def test_too_many_at_once_are_refused(fake: Fake) -> None:
    most = {"brevo": 1000, "sendgrid": 1000, "mailjet": 50, "mailtrap": 500}[fake.name]
    readers = [f"r{n}@example.com" for n in range(most + 1)]

    with pytest.raises(Exception, match="400"):
        batch(*readers, slot="you").send()
    before = fake.counts()
    batch(*readers[1:], slot="you").send()

    assert (before, fake.counts()) == ({}, dict.fromkeys(readers[1:], 1))


def test_brevo_knows_a_key_for_a_while_and_gives_its_ids_only_once(brevo: Fake) -> None:
    brevo.faults(key_life=0.5, latency=0.05)
    call = {
        "sender": {"email": "tide@example.com"},
        "subject": "The tide",
        "headers": {"idempotencyKey": "5cd5f7ab-0a5c-4ab0-a3f1-3b2dba9a2a0e"},
        "messageVersions": [
            {
                "to": [{"email": a}],
                "htmlContent": f"<p>{a}</p>",
                "headers": {"List-Unsubscribe": f"<{leave(a)}>"},
            }
            for a in (ADA, BOB)
        ],
    }

    def posted() -> requests.Response:
        return requests.post(f"{brevo.url}smtp/email", json=call, headers={"api-key": KEY}, timeout=5)

    first, again = posted(), posted()
    time.sleep(0.6)
    after = posted()

    assert [answer.status_code for answer in (first, again, after)] == [201, 400, 201]
    assert (len(first.json()["messageIds"]), again.json()["code"]) == (2, "duplicate_parameter")
    assert brevo.messages(BOB)[0]["html"] == f"<p>{BOB}</p>"
    assert brevo.messages(BOB)[0]["headers"] == {"List-Unsubscribe": f"<{leave(BOB)}>"}
    assert totals(brevo) == {"mails": 4, "links": 2, "calls": 3, "exposed": 0, "unfilled": 0, "repeats": 1}
