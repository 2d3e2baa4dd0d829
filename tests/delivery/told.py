"""What each provider posts to its webhook of one mail, as that provider words it."""

from __future__ import annotations

import json
from typing import Any

ADA = "ada@example.com"
META = {"delivery": "7"}
WHEN, UNIX = "2026-11-03T07:03:00Z", 1793689380
MANDRILL = {"_id": "a1", "ts": UNIX}


def mailgun(event: str, **more: Any) -> dict[str, Any]:
    message = {"headers": {"message-id": "a1@mg.example.com", "to": ADA}}
    data = {"event": event, "timestamp": UNIX, "recipient": ADA, "message": message, "user-variables": META}
    return {"event-data": data | more}


def failed(severity: str, reason: str, code: int, message: str) -> dict[str, Any]:
    return mailgun(
        "failed", severity=severity, reason=reason, **{"delivery-status": {"code": code, "message": message}}
    )


def postmark(record: str, name: str, details: str = "", **more: Any) -> dict[str, Any]:
    told = {"RecordType": record, "Type": name, "Details": details, "Email": ADA, "BouncedAt": WHEN, "ID": 42}
    return told | {"Metadata": META, "MessageID": "a1"} | more


def resend(event: str, **more: Any) -> dict[str, Any]:
    headers = [{"name": "X-Metadata", "value": json.dumps(META)}]
    data = {"email_id": "a1", "to": [f"Ada <{ADA}>"], "headers": headers, "created_at": WHEN}
    return {"type": event, "created_at": WHEN, "data": data | more}


def brevo(event: str, reason: str = "") -> dict[str, Any]:
    told = {"event": event, "email": ADA, "ts_epoch": UNIX * 1000, "message-id": "<a1>", "reason": reason}
    return told | {"X-Mailin-custom": json.dumps(META)}


def sendgrid(event: str, **more: Any) -> list[dict[str, Any]]:
    return [{"event": event, "email": ADA, "timestamp": UNIX, "sg_event_id": "e1", **META} | more]


def mailjet(event: str, **more: Any) -> dict[str, Any]:
    return {"event": event, "email": ADA, "time": UNIX, "MessageID": 1, "Payload": json.dumps(META)} | more


def mailtrap(event: str, **more: Any) -> dict[str, Any]:
    told = {"event": event, "email": ADA, "timestamp": UNIX, "message_id": "a1", "event_id": "e1"}
    return {"events": [told | {"custom_variables": META} | more]}


def mandrill(event: str, **message: Any) -> dict[str, Any]:
    return {"event": event, "msg": {"email": ADA, "metadata": META} | message, **MANDRILL}


def sparkpost(event: str, **more: Any) -> list[dict[str, Any]]:
    told = {"type": event, "timestamp": str(UNIX), "event_id": "e1", "raw_rcpt_to": ADA, "rcpt_meta": META}
    return [{"msys": {"message_event": told | more}}]


def ses(event: str, **more: Any) -> dict[str, Any]:
    headers = [{"name": "X-Metadata", "value": json.dumps(META)}]
    mail = {"messageId": "a1", "destination": [ADA], "headers": headers}
    message = json.dumps({"eventType": event, "mail": mail} | more)
    return {"Type": "Notification", "MessageId": "n1", "Timestamp": WHEN, "Message": message}


def ses_bounce(kind: str, sub_type: str, code: str) -> dict[str, Any]:
    reader = {"emailAddress": ADA, "diagnosticCode": code}
    bounce = {"bounceType": kind, "bounceSubType": sub_type, "bouncedRecipients": [reader]}
    return ses("Bounce", bounce=bounce)


def ses_complaint(feedback: str) -> dict[str, Any]:
    complaint = {"complainedRecipients": [{"emailAddress": ADA}], "complaintFeedbackType": feedback}
    return ses("Complaint", complaint=complaint)


def unisender(status: str, delivery_status: str) -> dict[str, Any]:
    told = {"status": status, "email": ADA, "event_time": "2026-11-03 07:03:00", "metadata": META}
    info = {"delivery_status": delivery_status, "destination_response": ""}
    event = {"event_name": "transactional_email_status", "event_data": told | {"delivery_info": info}}
    return {"events_by_user": [{"user_id": 1, "events": [event]}]}
