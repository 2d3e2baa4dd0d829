"""How Mailgun, Resend and Postmark word and sign the events they post."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.fakes.events import Posting

if TYPE_CHECKING:
    from tests.fakes.events import Kind
    from tests.fakes.ledger import Trace

NO_MAILBOX = "550 5.1.1 The email account that you tried to reach does not exist."
TRY_LATER = "452 4.2.2 The recipient's inbox is full."
MAILGUN: dict[Kind, dict[str, Any]] = {
    "delivered": {"event": "delivered", "delivery-status": {"code": 250, "message": "OK"}},
    "bounced": {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "delivery-status": {"code": 550, "message": NO_MAILBOX},
    },
    "deferred": {
        "event": "failed",
        "severity": "temporary",
        "reason": "generic",
        "delivery-status": {"code": 452, "message": TRY_LATER},
    },
    "complained": {"event": "complained"},
}
RESEND: dict[Kind, tuple[str, dict[str, Any]]] = {
    "delivered": ("email.delivered", {}),
    "bounced": (
        "email.bounced",
        {
            "bounce": {
                "message": "The recipient's email provider sent a hard bounce message.",
                "type": "Permanent",
                "subType": "General",
            }
        },
    ),
    "deferred": ("email.delivery_delayed", {}),
    "complained": ("email.complained", {}),
}
POSTMARK_BOUNCES: dict[Kind, tuple[str, str, int, str]] = {  # RecordType, Type, TypeCode, Details
    "bounced": ("Bounce", "HardBounce", 1, NO_MAILBOX),
    "deferred": ("Bounce", "Transient", 2, TRY_LATER),
    "complained": ("SpamComplaint", "SpamComplaint", 512, ""),
}


def mailgun(kind: Kind, trace: Trace, *, secret: str) -> Posting:
    """HMAC over timestamp and token, with the account's webhook signing key."""
    moment, token = str(int(time.time())), secrets.token_hex(25)
    signature = hmac.new(secret.encode(), f"{moment}{token}".encode(), hashlib.sha256).hexdigest()
    headers = {"message-id": trace.id.strip("<>"), "to": trace.address}
    data = MAILGUN[kind] | {
        "id": secrets.token_urlsafe(16),
        "timestamp": time.time(),
        "recipient": trace.address,
        "recipient-domain": trace.address.rpartition("@")[2],
        "message": {"headers": headers | {"from": trace.sender, "subject": trace.subject}},
        "user-variables": trace.metadata,
        "tags": trace.tags,
    }
    signed = {"timestamp": moment, "token": token, "signature": signature}
    return Posting({}, json.dumps({"signature": signed, "event-data": data}).encode())


def resend(kind: Kind, trace: Trace, *, secret: str) -> Posting:
    """Signed the way of Svix, with the base64 behind whsec_; a mail's own headers come along."""
    name, more = RESEND[kind]
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {
        "created_at": now,
        "email_id": trace.id,
        "from": trace.sender,
        "to": [trace.address],
        "subject": trace.subject,
        "headers": [{"name": name, "value": value} for name, value in trace.headers.items()],
    }
    body = json.dumps({"type": name, "created_at": now, "data": data | more}).encode()
    number, moment = f"msg_{secrets.token_hex(14)}", str(int(time.time()))
    headers = {"svix-id": number, "svix-timestamp": moment}
    if secret:
        headers["svix-signature"] = svix_signature(secret, number=number, moment=moment, body=body)
    return Posting(headers, body)


def svix_signature(secret: str, *, number: str, moment: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{number}.{moment}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def postmark(kind: Kind, trace: Trace) -> Posting:
    """Not signed: basic auth is all there is."""
    now = datetime.now(UTC).isoformat()
    tag = {"Tag": trace.tags[0]} if trace.tags else {}
    told = {
        "MessageID": trace.id,
        "Metadata": trace.metadata,
        "ServerID": 1,
        "MessageStream": "broadcast",
    } | tag
    if kind == "delivered":
        told |= {
            "RecordType": "Delivery",
            "Recipient": trace.address,
            "DeliveredAt": now,
            "Details": "250 OK",
        }
    else:
        record, name, code, details = POSTMARK_BOUNCES[kind]
        told |= {
            "RecordType": record,
            "ID": secrets.randbits(40),
            "Type": name,
            "TypeCode": code,
            "Details": details,
            "Email": trace.address,
            "From": trace.sender,
            "Subject": trace.subject,
            "BouncedAt": now,
            "Inactive": kind != "deferred",
        }
    return Posting({}, json.dumps(told).encode())
