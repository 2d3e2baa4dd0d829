"""The events a fake posts, read by Anymail's own webhook views."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from anymail.signals import tracking
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from anymail.webhooks.resend import ResendTrackingWebhookView
from django.core.mail import EmailMultiAlternatives
from django.test import RequestFactory

from tests.fakes.client import DOMAIN, KEY, Fake
from tests.fakes.webhooks import svix_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADA, BOB, CLEO = "ada@example.com", "bob@example.com", "cleo@example.com"
EVERYBODY = [ADA, BOB, CLEO]
OPTIONS = {
    "mailgun": {"api_key": KEY, "sender_domain": DOMAIN},
    "resend": {"api_key": KEY},
    "postmark": {"server_token": KEY},
}
SIGNING_KEY, PASSWORD = "signing-key", "tide:ebb"
VIEWS: dict[str, Callable[..., Any]] = {
    "mailgun": MailgunTrackingWebhookView.as_view(webhook_signing_key=SIGNING_KEY),
    "resend": ResendTrackingWebhookView.as_view(),
    "postmark": PostmarkTrackingWebhookView.as_view(),
}
SECRETS = {"mailgun": SIGNING_KEY, "resend": "whsec_dGlkZQ=="}


class Listener(ThreadingHTTPServer):
    """Takes what is posted, and answers with the next of `answers`, then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []

    @property
    def url(self) -> str:
        return f"http://{PASSWORD}@127.0.0.1:{self.server_port}/webhook"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 200:
            self.server.got.append((dict(self.headers), body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module", params=OPTIONS)
def running(request: pytest.FixtureRequest) -> Iterator[Fake]:
    with Fake(request.param, args=("--trail",)) as fake:
        yield fake


@pytest.fixture
def fake(running: Fake, settings: Any) -> Fake:
    options = OPTIONS[running.name] | {"api_url": running.url}
    backend = f"anymail.backends.{running.name}.EmailBackend"
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    running.reset()
    return running


def send(*addresses: str) -> Any:
    message: Any = EmailMultiAlternatives("The tide", "Hi", "tide@example.com", addresses)
    message.merge_metadata = {address: {"delivery": f"d-{address}"} for address in addresses}
    message.send()
    return message.anymail_status.recipients


def read(fake: Fake, listener: Listener, settings: Any) -> list[Any]:
    """What Anymail makes of what was posted."""
    settings.ANYMAIL = {"WEBHOOK_SECRET": PASSWORD}
    events = []

    def keep(sender: Any, event: Any, **kwargs: Any) -> None:
        events.append(event)

    tracking.connect(keep)
    for headers, body in listener.got:
        request = RequestFactory().post("/webhook", body, "application/json", headers=headers)
        assert VIEWS[fake.name](request).status_code == 200
    tracking.disconnect(keep)
    return events


def test_events_are_understood_by_anymail(fake: Fake, listener: Listener, settings: Any) -> None:
    sent = send(*EVERYBODY)

    report = fake.events(
        url=listener.url,
        secret=SECRETS.get(fake.name, ""),
        each={ADA: ["delivered"], BOB: ["bounced"], CLEO: ["deferred", "delivered", "complained"]},
    )

    events = read(fake, listener, settings)
    assert [(event.recipient, event.event_type) for event in events] == [
        (ADA, "delivered"), (BOB, "bounced"),
        (CLEO, "deferred"), (CLEO, "delivered"), (CLEO, "complained"),
    ]  # fmt: skip
    assert [event.metadata for event in events] == [{"delivery": f"d-{event.recipient}"} for event in events]
    assert [event.message_id for event in events] == [sent[event.recipient].message_id for event in events]
    assert events[1].reject_reason == "bounced"
    assert report == {"is_done": True, "told": 5, "given_up": 0, "answers": {"200": 5}}


def test_events_come_twice_and_in_any_order(fake: Fake, listener: Listener) -> None:
    send(*EVERYBODY)
    orders = []
    for order in ("sent", "reversed", "shuffled", "shuffled"):
        listener.got.clear()
        fake.events(url=listener.url, order=order, seed=4, twice=1.0)
        orders.append([next(a for a in EVERYBODY if a.encode() in body) for _, body in listener.got])

    assert orders[0] == [ADA, ADA, BOB, BOB, CLEO, CLEO]
    assert orders[1] == orders[0][::-1]
    assert orders[0] != orders[2] == orders[3]
    assert len({body for _, body in listener.got}) == 3


def test_events_are_posted_again_until_they_are_taken(fake: Fake, listener: Listener) -> None:
    send(ADA, BOB)
    listener.answers = [500, 400, 200, 503, 503]

    report = fake.events(url=listener.url, tries=3)

    assert (report["told"], report["given_up"], len(listener.got)) == (2, 0, 2)
    assert report["answers"] == {"500": 1, "400": 1, "200": 2, "503": 2}


def test_events_may_come_before_the_answer_to_the_call(fake: Fake, listener: Listener) -> None:
    fake.faults(latency=0.5)
    fake.events(url=listener.url, live=True, wait=False)
    thread = threading.Thread(target=send, args=(ADA,))
    thread.start()
    thread.join(0.3)
    before = len(listener.got)
    still_waiting = thread.is_alive()
    thread.join()

    assert (before, still_waiting, fake.events_report()["told"]) == (1, True, 1)


def test_chance_decides_what_becomes_of_a_mail(fake: Fake, listener: Listener, settings: Any) -> None:
    send(*(f"r{n}@example.com" for n in range(60)))

    fake.events(
        url=listener.url,
        secret=SECRETS.get(fake.name, ""),
        chance={"delivered": 0.5, "bounced": 0.2, "complained": 0.1},
        seed=1,
    )

    kinds = [event.event_type for event in read(fake, listener, settings)]
    assert {kind: 0 < kinds.count(kind) < 60 for kind in set(kinds)} == {
        "delivered": True, "bounced": True, "complained": True,
    }  # fmt: skip


def test_resend_signs_as_svix_does() -> None:
    """The example of Svix's own documentation (Verifying webhooks manually)."""
    signature = svix_signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        number="msg_p5jXN8AQM9LWM0D4loKWxJek",
        moment="1614265330",
        body=b'{"test": 2432232314}',
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_fake_without_a_trail_says_that_it_tells_nothing(listener: Listener) -> None:
    with Fake("resend") as fake, pytest.raises(RuntimeError, match="--trail"):
        fake.events(url=listener.url)
