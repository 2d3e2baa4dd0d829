"""Events on their way in: from a provider's real post, over the webhook, to the ledger."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpRequest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from config import checks
from delivery import submission, tracking, webhooks
from delivery.models import Delivery, Event
from newsletter.models import Issue
from subscribers.models import Suppression
from tests.delivery.conftest import send_through
from tests.delivery.engine import READERS, only, prepared, send, states
from tests.fakes.client import Fake

KEY = "signing-key"
PASSWORD = "courant:a-password-of-thirty-two-letters"
SVIX = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "/webhooks/bulk/"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def running_postmark() -> Iterator[Fake]:
    with Fake("postmark", keep="all") as fake:
        yield fake


@pytest.fixture
def postmark(running_postmark: Fake, settings: Any) -> Fake:
    running_postmark.reset()
    send_through(running_postmark, settings)
    return running_postmark


@pytest.fixture(params=["mailgun", "resend", "postmark"])
def fake(request: pytest.FixtureRequest, settings: Any) -> Fake:
    """Each provider that signs in another way."""
    found: Fake = request.getfixturevalue(request.param)
    settings.WEBHOOK_SECRETS = {"bulk": {"mailgun": KEY, "resend": SVIX}.get(found.name, PASSWORD)}
    return found


def tell(fake: Fake, server: LiveServer, settings: Any, **asked: Any) -> dict[str, Any]:
    secret = settings.WEBHOOK_SECRETS["bulk"]
    url = f"{server.url}{URL}"
    if fake.name == "postmark":
        url = url.replace("//", f"//{secret}@", 1)
    return fake.events(url=url, secret=secret, **asked)


@pytest.fixture
def mailgun_s(mailgun: Fake, settings: Any) -> Fake:
    settings.WEBHOOK_SECRETS = {"bulk": KEY}
    return mailgun


def test_events_clear_up_what_a_lost_answer_left_in_doubt(
    draft: Issue, mailgun_s: Fake, live_server: LiveServer, settings: Any
) -> None:
    dispatch = prepared(draft)
    mailgun_s.faults(drop_every=1, times=1)
    before = send(dispatch, rounds=3)
    doubtful = Delivery.objects.filter(state="uncertain")
    addresses = doubtful.values_list("subscription__subscriber__email", flat=True)
    each = {address: ["delivered"] for address in addresses}

    tell(mailgun_s, live_server, settings, each=each, chance={}, order="shuffled", seed=7, twice=1.0)
    tracking.process(seconds=10)

    assert states(before) == only(accepted=READERS - 10, uncertain=10)
    assert states(send(dispatch)) == only(accepted=READERS)
    assert mailgun_s.seen()["duplicates"] == 0
    assert Delivery.objects.filter(detail__startswith="The provider's event: delivered").count() == 10
    assert not Event.objects.exclude(problem="").exists()


def test_doubled_and_shuffled_events_are_one_each(
    draft: Issue, fake: Fake, live_server: LiveServer, settings: Any
) -> None:
    dispatch = prepared(draft)
    send(dispatch, rounds=3)
    bounced, complained, put_off, well = list(fake.counts())[:4]
    each = {
        bounced: ["bounced"],
        complained: ["delivered", "complained"],
        put_off: ["deferred", "delivered"],
        well: ["delivered"],
    }

    report = tell(fake, live_server, settings, each=each, chance={}, order="shuffled", seed=3, twice=1.0)
    tracking.process(seconds=10)

    assert report["answers"] == {"200": 12}
    assert Event.objects.count() == 6
    assert not Event.objects.exclude(problem="").exists()
    assert states(send(dispatch)) == only(accepted=READERS)
    ours = Delivery.objects.filter(subscription__subscriber__email__in=[bounced, complained])
    keys = {"hard_bounce": bounced, "complaint": complained}
    for row in Suppression.objects.all():
        owner = ours.get(subscription__subscriber__address_key=row.address_key)
        assert owner.subscription.subscriber.email == keys.pop(row.reason)
    assert not keys


def test_events_that_come_before_the_answer_do_no_harm(
    draft: Issue, fake: Fake, live_server: LiveServer, settings: Any
) -> None:
    dispatch = prepared(draft)
    tell(fake, live_server, settings, live=True, wait=False, twice=0.5)
    fake.faults(latency=0.3)

    submission.send_for(dispatch.pk, seconds=30)
    balance = send(dispatch, rounds=2)
    deadline = time.monotonic() + 10
    while Event.objects.count() < READERS and time.monotonic() < deadline:
        time.sleep(0.05)
    tracking.process(seconds=10)

    assert states(balance) == only(accepted=READERS)
    assert Event.objects.filter(problem="").count() == READERS
    assert not tracking.is_waiting()


@pytest.mark.parametrize("secret", ["", "other-key"])
def test_forged_call_is_turned_away_and_not_read(
    draft: Issue, fake: Fake, live_server: LiveServer, secret: str
) -> None:
    send(prepared(draft), rounds=3)
    wrong = {"resend": f"whsec_{'b3RoZXIt' if secret else ''}", "postmark": f"courant:{secret}"}

    report = fake.events(
        url=f"{live_server.url}{URL}".replace("//", f"//{wrong['postmark']}@", 1),
        secret=wrong.get(fake.name, secret),
        each={next(iter(fake.counts())): ["bounced"]},
        chance={},
        tries=1,
    )

    assert report["answers"] == {"403": 1}
    assert not Event.objects.exists()


def mailgun_event(client: Client, address: str, delivery: Delivery, *, token: str, moment: float) -> int:
    """A right signature, which at Mailgun says nothing of what is signed."""
    stamp = str(int(moment))
    signature = hmac.new(KEY.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    told = {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "timestamp": moment,
        "recipient": address,
        "user-variables": {"delivery": str(delivery.pk)},
    }
    signed = {"timestamp": stamp, "token": token, "signature": signature}
    body = json.dumps({"signature": signed, "event-data": told})
    return client.post(URL, body, "application/json").status_code


def test_replay_with_another_reader_has_no_effect(client: Client, draft: Issue, mailgun_s: Fake) -> None:
    send(prepared(draft), rounds=3)
    first, second, third = Delivery.objects.order_by("pk")[:3]
    address = [each.subscription.subscriber.email for each in (first, second, third)]
    now = time.time()

    answers = [
        mailgun_event(client, address[0], first, token="once", moment=now),
        mailgun_event(client, address[1], second, token="once", moment=now),  # the same token
        mailgun_event(client, address[2], second, token="new", moment=now),  # another one's address
        mailgun_event(client, address[2], third, token="old", moment=now - 3 * 24 * 3600),
        mailgun_event(client, address[2], third, token="early", moment=now + 3600),
    ]
    tracking.process(seconds=10)

    assert answers == [200, 200, 200, 403, 403]
    assert [row.address_key for row in Suppression.objects.all()] == [
        first.subscription.subscriber.address_key
    ]
    assert Event.objects.count() == 2


def test_signature_of_svix_is_the_published_one() -> None:
    """The example of its documentation, which is too old to be taken."""
    view = type("View", (webhooks.Svix,), {"basic_auth": [SVIX]})()
    request = HttpRequest()
    request._body = b'{"test": 2432232314}'
    request.META |= {
        "HTTP_SVIX_ID": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "HTTP_SVIX_TIMESTAMP": "1614265330",
        "HTTP_SVIX_SIGNATURE": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }

    with pytest.raises(webhooks.AnymailWebhookValidationFailure, match="too long ago"):
        view.run_validators(request)


@pytest.mark.parametrize("method", ["get", "head", "post"])
@pytest.mark.parametrize(
    ("mailer", "scheme", "secret"),
    [
        ("bulk", "mailgun", ""),
        ("bulk", "smtp", PASSWORD),
        ("fallback", "mailgun", KEY),
        ("default", "mailgun", KEY),
    ],
)
def test_without_a_secret_there_is_no_webhook(
    client: Client, settings: Any, method: str, mailer: str, scheme: str, secret: str
) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": scheme}}
    settings.WEBHOOK_SECRETS = {mailer: secret}

    answer = getattr(client, method)(f"/webhooks/{mailer}/")

    assert answer.status_code == 404


def test_call_costs_one_write_and_wakes_a_worker_once(
    client: Client,
    draft: Issue,
    mailgun_s: Fake,
    django_assert_num_queries: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send(prepared(draft), rounds=3)
    delivery = Delivery.objects.first()
    address = delivery.subscription.subscriber.email
    cache.clear()
    woken: list[str] = []
    monkeypatch.setattr(
        webhooks.tasks.process_events, "apply_async", lambda ids, **given: woken.append("once")
    )

    with django_assert_num_queries(2):
        for token in ("a", "b"):
            mailgun_event(client, address, delivery, token=token, moment=time.time())

    assert woken == ["once"]
    assert client.get(URL).status_code == 200
    assert client.head(URL.rstrip("/")).status_code == 200


def test_amazon_is_asked_for_the_password(client: Client, settings: Any) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "ses"}}
    settings.WEBHOOK_SECRETS = {"bulk": PASSWORD}

    answer = client.post(URL, "{}", "application/json")

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Basic realm="webhook"')


@pytest.mark.parametrize(
    ("scheme", "secret", "found"),
    [
        ("mailgun", "", ["courant.W003"]),
        ("mailgun", KEY, []),
        ("postmark", "", ["courant.W003"]),
        ("postmark", "courant:short", ["courant.E014"]),
        ("postmark", PASSWORD.replace(":", ""), ["courant.E014"]),
        ("postmark", PASSWORD, []),
        ("smtp", "", []),
    ],
)
def test_missing_secret_is_named(settings: Any, scheme: str, secret: str, found: list[str]) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": scheme}}
    settings.WEBHOOK_SECRETS = {"bulk": secret}

    assert [problem.id for problem in checks.providers_are_heard()] == found
