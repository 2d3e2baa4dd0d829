"""Every provider's own words for what became of a mail, posted to its webhook as that provider posts them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from django.test import Client

from delivery.models import Event
from subscribers.models import address_key
from tests.delivery.told import (
    ADA,
    WHEN,
    brevo,
    failed,
    mailgun,
    mailjet,
    mailtrap,
    mandrill,
    postmark,
    resend,
    sendgrid,
    ses,
    ses_bounce,
    ses_complaint,
    sparkpost,
    unisender,
)

NO_SUCH = "550 5.1.1 The email account that you tried to reach does not exist."
FULL = "552 5.2.2 The recipient's inbox is out of storage space."
POLICY = "550 5.7.1 Our system has detected that this message is likely unsolicited."
CASES: list[tuple[str, Any, str]] = [
    ("mailgun", mailgun("delivered"), "delivered"),
    ("mailgun", failed("permanent", "bounce", 550, "5.1.1 no such user"), "hard_bounced"),
    ("mailgun", failed("permanent", "suppress-bounce", 605, "Not delivering to previously bounced address"),
     "hard_bounced"),
    ("mailgun", failed("permanent", "bounce", 552, "5.2.2 Over quota"), "soft_bounced"),
    ("mailgun", failed("permanent", "old", 602, "Too old"), "soft_bounced"),
    ("mailgun", failed("permanent", "generic", 550, POLICY), "soft_bounced"),
    ("mailgun", failed("temporary", "generic", 452, "4.2.2 try later"), "deferred"),
    ("mailgun", mailgun("complained"), "complained"),
    ("mailgun", mailgun("unsubscribed"), "unsubscribed"),
    ("postmark", postmark("Delivery", "", Recipient=ADA, DeliveredAt=WHEN), "delivered"),
    ("postmark", postmark("Bounce", "HardBounce", f"smtp;{NO_SUCH}"), "hard_bounced"),
    ("postmark", postmark("Bounce", "SoftBounce", FULL), "soft_bounced"),
    ("postmark", postmark("Bounce", "Transient", "smtp;451 4.7.1 later"), "deferred"),
    ("postmark", postmark("Bounce", "Blocked", POLICY), "rejected"),
    ("postmark", postmark("Bounce", "SpamNotification"), "other"),
    ("postmark", postmark("SpamComplaint", "SpamComplaint"), "complained"),
    ("postmark", postmark("SubscriptionChange", "", SuppressionReason="HardBounce", SuppressSending=True),
     "hard_bounced"),
    ("postmark", postmark("SubscriptionChange", "", SuppressionReason="ManualSuppression"), "unsubscribed"),
    ("resend", resend("email.sent"), "sent"),
    ("resend", resend("email.bounced", bounce={"type": "Permanent", "message": "sent a hard bounce message"}),
     "hard_bounced"),
    ("resend", resend("email.bounced", bounce={"type": "Transient", "message": "sent a general bounce message"}),
     "soft_bounced"),
    ("resend", resend("email.complained"), "complained"),
    ("brevo", brevo("request"), "queued"),
    ("brevo", brevo("hard_bounce", NO_SUCH), "hard_bounced"),
    ("brevo", brevo("soft_bounce", FULL), "soft_bounced"),
    ("brevo", brevo("invalid_email"), "hard_bounced"),
    ("brevo", brevo("blocked"), "rejected"),
    ("brevo", brevo("spam"), "complained"),
    ("sendgrid", sendgrid("processed"), "queued"),
    ("sendgrid", sendgrid("bounce", type="bounce", reason=NO_SUCH), "hard_bounced"),
    ("sendgrid", sendgrid("bounce", type="bounce", reason=FULL), "soft_bounced"),
    ("sendgrid", sendgrid("bounce", type="blocked", reason="550 blocked"), "soft_bounced"),
    ("sendgrid", sendgrid("dropped", reason="Bounced Address"), "rejected"),
    ("sendgrid", sendgrid("spamreport"), "complained"),
    ("mailjet", mailjet("sent"), "delivered"),
    ("mailjet", mailjet("bounce", error="user unknown", hard_bounce=True), "hard_bounced"),
    ("mailjet", mailjet("bounce", error="quota exceeded", hard_bounce=False), "soft_bounced"),
    ("mailjet", mailjet("spam"), "complained"),
    ("mailtrap", mailtrap("bounce", response=NO_SUCH), "hard_bounced"),
    ("mailtrap", mailtrap("soft bounce", response=FULL), "deferred"),
    ("mailtrap", mailtrap("unsubscribe"), "unsubscribed"),
    ("mandrill", mandrill("hard_bounce", diag=f"smtp;{NO_SUCH}"), "hard_bounced"),
    ("mandrill", mandrill("soft_bounce", diag=f"smtp;{FULL}"), "soft_bounced"),
    ("mandrill", mandrill("send"), "sent"),
    ("sparkpost", sparkpost("bounce", bounce_class="10", raw_reason=NO_SUCH), "hard_bounced"),
    ("sparkpost", sparkpost("bounce", bounce_class="22", raw_reason=FULL), "soft_bounced"),
    ("sparkpost", sparkpost("spam_complaint"), "complained"),
    ("ses", ses("Delivery", delivery={"recipients": [ADA]}), "delivered"),
    ("ses", ses_bounce("Permanent", "General", f"smtp; {NO_SUCH}"), "hard_bounced"),
    ("ses", ses_bounce("Transient", "MailboxFull", f"smtp; {FULL}"), "soft_bounced"),
    ("ses", ses_complaint("abuse"), "complained"),
    ("ses", ses_complaint("not-spam"), "other"),
    ("unisender-go", unisender("hard_bounced", "err_user_unknown"), "hard_bounced"),
    ("unisender-go", unisender("hard_bounced", "err_mailbox_full"), "soft_bounced"),
    ("unisender-go", unisender("spam", "ok_spam_folder"), "complained"),
]  # fmt: skip
SECRET, PASSWORD = "a-signing-key", "courant:a-password-of-thirty-two-letters"
BASIC = f"Basic {base64.b64encode(PASSWORD.encode()).decode()}"
SECRETS = {"resend": f"whsec_{base64.b64encode(b'a key of Svix').decode()}"}
SIGNED = {"mailgun", "mailtrap", "mandrill", "resend", "unisender-go"}


def post(client: Client, settings: Any, scheme: str, body: Any) -> int:
    """As the provider posts and signs it."""
    secret = SECRETS.get(scheme, SECRET if scheme in SIGNED else PASSWORD)
    options = {"client_params": {"config": {}}} if scheme == "ses" else {}
    settings.MAILERS = {**settings.MAILERS, "bulk": {"BACKEND": "", "OPTIONS": options}}
    settings.HAND_OVER = {"bulk": {"scheme": scheme}}
    settings.WEBHOOK_SECRETS = {"bulk": secret}
    data, content_type, headers = signed(scheme, body, secret)
    if scheme not in SIGNED:
        headers["Authorization"] = BASIC
    return client.post("/webhooks/bulk/", data, content_type, headers=headers).status_code


def signed(scheme: str, body: Any, secret: str) -> tuple[Any, str, dict[str, str]]:
    now, kind, key = str(int(time.time())), "application/json", secret.encode()
    match scheme:
        case "mailgun":
            signature = hmac.new(key, f"{now}token".encode(), hashlib.sha256).hexdigest()
            body = body | {"signature": {"timestamp": now, "token": "token", "signature": signature}}
            return json.dumps(body), kind, {}
        case "resend":
            data = json.dumps(body)
            raw = base64.b64decode(secret.removeprefix("whsec_"))
            digest = hmac.new(raw, f"msg_1.{now}.{data}".encode(), hashlib.sha256).digest()
            signature = f"v1,c29tZXRoaW5nIG9sZA== v1,{base64.b64encode(digest).decode()}"
            return data, kind, {"svix-id": "msg_1", "svix-timestamp": now, "svix-signature": signature}
        case "mailtrap":
            data = json.dumps(body)
            return (
                data,
                kind,
                {"Mailtrap-Signature": hmac.new(key, data.encode(), hashlib.sha256).hexdigest()},
            )
        case "mandrill":
            events = json.dumps([body])
            said = f"http://testserver/webhooks/bulk/mandrill_events{events}"
            signature = base64.b64encode(hmac.new(key, said.encode(), hashlib.sha1).digest()).decode()
            form = f"mandrill_events={json.dumps([body])}"
            return form, "application/x-www-form-urlencoded", {"X-Mandrill-Signature": signature}
        case "unisender-go":
            plain = json.dumps({"auth": secret} | body)
            auth = hashlib.md5(plain.encode()).hexdigest()  # noqa: S324 -- theirs
            return plain.replace(secret, auth), kind, {}
        case "ses":
            return (
                json.dumps(body),
                kind,
                {
                    "x-amz-sns-message-type": body["Type"],
                    "x-amz-sns-message-id": body["MessageId"],
                },
            )
    return json.dumps(body), kind, {}


@pytest.mark.parametrize(("scheme", "body", "kind"), CASES)
def test_provider_s_words_are_understood(
    client: Client, settings: Any, db: None, scheme: str, body: Any, kind: str
) -> None:
    assert post(client, settings, scheme, body) == 200

    event = Event.objects.get()
    assert (event.kind, event.delivery_id, event.problem) == (kind, 7, "")
    assert event.address_key == address_key(ADA)
    assert post(client, settings, scheme, body) == 200
    assert Event.objects.count() == 1


def test_no_address_is_kept(client: Client, settings: Any, db: None) -> None:
    words = f"550 5.1.1 <{ADA}>: Recipient address rejected: User unknown"
    post(
        client, settings, "sendgrid", [*sendgrid("bounce", reason=words), {"email": ADA, "sg_event_id": "e2"}]
    )

    bounce, unread = Event.objects.order_by("pk")
    assert bounce.words == "550 5.1.1 <(address)>: Recipient address rejected: User unknown"
    assert unread.raw == '{"email": "(address)", "sg_event_id": "e2"}'


@pytest.mark.parametrize(
    "bad",
    [
        {"email": ADA},
        "not an event",
        {"event": "bounce", "email": 7, "delivery": "7"},
        {"event": "bounce", "email": "Ü@", "delivery": "7"},
    ],
)
def test_event_that_cannot_be_read_is_set_aside_and_stops_no_other(
    client: Client, settings: Any, db: None, bad: Any
) -> None:
    body = [*sendgrid("delivered", sg_event_id="e1"), bad, *sendgrid("delivered", sg_event_id="e2")]

    assert post(client, settings, "sendgrid", body) == 200

    first, unread, last = Event.objects.order_by("pk")
    assert (first.kind, first.processed_at, last.kind, last.processed_at) == (
        "delivered",
        None,
        "delivered",
        None,
    )
    assert unread.problem
    assert unread.processed_at


@pytest.mark.parametrize(
    "strange", [{"delivery": "9" * 30}, {"delivery": None}, {"delivery": "७"}, {"x": "7"}]
)
def test_number_that_is_none_of_ours_is_no_number(
    client: Client, settings: Any, db: None, strange: dict[str, Any]
) -> None:
    assert post(client, settings, "postmark", postmark("Delivery", "", Metadata=strange)) == 200

    assert Event.objects.get().delivery_id is None


def test_strange_letters_and_times_do_no_harm(client: Client, settings: Any, db: None) -> None:
    odd = sendgrid("bounce", reason="no \0 user \ud800", timestamp=10**10)

    assert post(client, settings, "sendgrid", odd) == 200

    event = Event.objects.get()
    assert (event.kind, event.words) == ("hard_bounced", "no  user ?")
    assert abs(event.happened_at - event.received_at).total_seconds() < 60


@pytest.mark.parametrize("body", ["{", "[]]", "7", "null"])
def test_call_that_cannot_be_read_at_all_is_set_aside(
    client: Client, settings: Any, db: None, body: str
) -> None:
    post(client, settings, "sendgrid", [])

    headers = {"Authorization": BASIC}
    answers = [client.post("/webhooks/bulk/", body, "application/json", headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert Event.objects.get().raw == body
