"""A mail that comes in, as each provider posts it to a webhook: its form, and what proves it.

After the providers' own pages: Mailgun "Receiving → forward()", Postmark "Inbound webhook", SendGrid "Inbound Parse",
Mailjet "Parse API", Brevo "Inbound parse webhooks", Resend "email.received", MailerSend "Inbound routing", SparkPost
"Relay webhooks", Mandrill "Inbound webhooks", Amazon SES "SNS action", Postal "Receiving e-mail by HTTP".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import getaddresses
from urllib.parse import urlencode

from tests.fakes import postal_key
from tests.fakes.webhooks import svix_signature

BOUNDARY = "----inbound"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True)
class Mail:
    subject: str = ""
    text: str = ""
    html: str = ""
    sender: str = "Ada <ada@example.com>"
    to: str = "leave@in.example.org"
    named: str = ""  # in its To, when the envelope names another
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def written_to(self) -> str:
        return self.named or self.to

    @property
    def all_headers(self) -> dict[str, str]:
        own = {
            "From": self.sender,
            "To": self.written_to,
            "Subject": self.subject,
            "Message-ID": "<1@example.com>",
        }
        return {"Received": "from mx.example.com by in.example.org", **own, **self.headers}

    @property
    def raw(self) -> str:
        lines = [f"{name}: {value}" for name, value in self.all_headers.items()]
        lines += ["MIME-Version: 1.0", 'Content-Type: text/plain; charset="utf-8"', "", self.text]
        return "\r\n".join(lines)


@dataclass(frozen=True)
class Posting:
    body: bytes
    content_type: str
    headers: dict[str, str]


def mailgun(mail: Mail, *, secret: str, url: str) -> Posting:
    moment, token = str(int(time.time())), secrets.token_hex(25)
    signature = hmac.new(secret.encode(), f"{moment}{token}".encode(), hashlib.sha256).hexdigest()
    fields = {
        "recipient": mail.to,
        "sender": "ada@example.com",
        "subject": mail.subject,
        "from": mail.sender,
        "message-headers": json.dumps(list(mail.all_headers.items())),
        "body-plain": mail.text,
        "stripped-text": mail.text,
        "timestamp": moment,
        "token": token,
        "signature": signature,
    }
    if mail.html:
        fields["body-html"] = mail.html
    return _multipart(fields)


def postmark(mail: Mail, *, secret: str, url: str) -> Posting:
    told = {
        "FromName": "Ada",
        "From": "ada@example.com",
        "FromFull": {"Email": "ada@example.com", "Name": "Ada", "MailboxHash": ""},
        "To": mail.written_to,
        "ToFull": [
            {"Email": address, "Name": name, "MailboxHash": ""}
            for name, address in getaddresses([mail.written_to])
        ],
        "CcFull": [],
        "BccFull": [],
        "OriginalRecipient": mail.to,
        "Subject": mail.subject,
        "MessageID": secrets.token_hex(16),
        "MessageStream": "inbound",
        "Date": "Sun, 22 Nov 2026 10:00:00 +0000",
        "TextBody": mail.text,
        "HtmlBody": mail.html,
        "StrippedTextReply": "",
        "Headers": [{"Name": "Return-Path", "Value": "<ada@example.com>"}]
        + [{"Name": name, "Value": value} for name, value in mail.headers.items()],
        "Attachments": [],
    }
    return _json(told, _basic(secret))


def sendgrid(mail: Mail, *, secret: str, url: str) -> Posting:
    fields = {
        "headers": "\n".join(f"{name}: {value}" for name, value in mail.all_headers.items()) + "\n",
        "subject": mail.subject,
        "from": mail.sender,
        "to": mail.written_to,
        "text": mail.text,
        "html": mail.html,
        "envelope": json.dumps({"to": [mail.to], "from": "ada@example.com"}),
        "charsets": json.dumps({"to": "UTF-8", "subject": "UTF-8", "from": "UTF-8", "text": "iso-8859-1"}),
        "SPF": "pass",
        "attachments": "0",
    }
    posting = _multipart(fields)
    return Posting(posting.body, posting.content_type, _basic(secret))


def mailjet(mail: Mail, *, secret: str, url: str) -> Posting:
    told = {
        "Sender": "ada@example.com",
        "Recipient": mail.to,
        "Date": "20261122T100000",
        "From": mail.sender,
        "Subject": mail.subject,
        "Headers": {**mail.all_headers, "Received": ["from a by b", "from c by d"]},
        "Parts": [{"Headers": {"Content-Type": "text/plain; charset=UTF-8"}, "ContentRef": "Text-part"}],
        "Text-part": mail.text,
        "Html-part": mail.html,
        "SpamAssassinScore": "0.1",
    }
    return _json(told, _basic(secret))


def brevo(mail: Mail, *, secret: str, url: str) -> Posting:
    item = {
        "Uuid": [secrets.token_hex(16)],
        "MessageId": "<1@example.com>",
        "From": {"Name": "Ada", "Address": "ada@example.com"},
        "To": [{"Name": None, "Address": mail.written_to}],
        "Subject": mail.subject,
        "SentAtDate": "Sun, 22 Nov 2026 10:00:00 +0000",
        "Attachments": [
            {
                "Name": "a.png",
                "ContentType": "image/png",
                "ContentLength": 9,
                "ContentID": "",
                "DownloadToken": "ey",
            }
        ],
        "Headers": {
            "Delivered-To": f"<{mail.to}>",
            **mail.all_headers,
            "Received": ["from a by b", "from c by d"],
        },
        "SpamScore": 1.1,
        "ExtractedMarkdownMessage": mail.text,
        "RawHtmlBody": mail.html,
        "RawTextBody": mail.text,
    }
    return _json({"items": [item]}, _basic(secret))


def resend(mail: Mail, *, secret: str, url: str) -> Posting:
    """Not the text: that would have to be asked for."""
    told = {
        "type": "email.received",
        "created_at": "2026-11-22T10:00:00.000Z",
        "data": {
            "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
            "created_at": "2026-11-22T10:00:00.000Z",
            "from": mail.sender,
            "to": [mail.written_to],
            "bcc": [mail.to] if mail.named else [],
            "cc": [],
            "message_id": "<1@example.com>",
            "subject": mail.subject,
            "attachments": [],
        },
    }
    body = json.dumps(told).encode()
    number, moment = f"msg_{secrets.token_hex(14)}", str(int(time.time()))
    signature = svix_signature(secret, number=number, moment=moment, body=body)
    return Posting(body, JSON, {"svix-id": number, "svix-timestamp": moment, "svix-signature": signature})


def mailersend(mail: Mail, *, secret: str, url: str) -> Posting:
    told = {
        "type": "inbound.message",
        "inbound_id": "7nxe3yjmeq28vp0k",
        "created_at": "2026-11-22T10:00:00.000000Z",
        "data": {
            "id": secrets.token_hex(12),
            "sender": {"email": "ada@example.com"},
            "recipients": {"rcptTo": [{"email": mail.to}]},
            "subject": mail.subject,
            "raw": mail.raw,
            "created_at": "2026-11-22T10:00:00.000000Z",
        },
    }
    body = json.dumps(told).encode()
    return Posting(body, JSON, {"Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()})


def sparkpost(mail: Mail, *, secret: str, url: str) -> Posting:
    message = {
        "content": {
            "email_rfc822": base64.b64encode(mail.raw.encode()).decode(),
            "email_rfc822_is_base64": True,
            "subject": mail.subject,
        },
        "friendly_from": "ada@example.com",
        "msg_from": "ada@example.com",
        "protocol": "smtp",
        "rcpt_to": mail.to,
        "webhook_id": "1",
    }
    return _json([{"msys": {"relay_message": message}}], _basic(secret))


def mandrill(mail: Mail, *, secret: str, url: str) -> Posting:
    """HMAC over the address of the webhook and its fields."""
    message = {"raw_msg": mail.raw, "email": mail.to, "from_email": "ada@example.com", "sender": None}
    events = json.dumps([{"event": "inbound", "ts": int(time.time()), "msg": message}])
    signed = f"{url}mandrill_events{events}".encode()
    signature = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha1).digest()).decode()
    return Posting(urlencode({"mandrill_events": events}).encode(), FORM, {"X-Mandrill-Signature": signature})


def ses(mail: Mail, *, secret: str, url: str) -> Posting:
    notice = {
        "notificationType": "Received",
        "mail": {"source": "ada@example.com", "messageId": "1", "timestamp": "2026-11-22T10:00:00.000Z"},
        "receipt": {
            "recipients": [mail.to],
            "spamVerdict": {"status": "PASS"},
            "action": {"type": "SNS", "topicArn": "arn:aws:sns:eu-west-1:1:in", "encoding": "BASE64"},
        },
        "content": base64.b64encode(mail.raw.encode()).decode(),
    }
    told = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:eu-west-1:1:in",
        "Message": json.dumps(notice),
        "Timestamp": "2026-11-22T10:00:00.000Z",
    }
    headers = {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": told["MessageId"],
        "x-amz-sns-topic-arn": told["TopicArn"],
    }
    return Posting(json.dumps(told).encode(), "text/plain; charset=UTF-8", {**headers, **_basic(secret)})


def postal(mail: Mail, *, secret: str, url: str) -> Posting:
    """An HTTP endpoint that takes the raw message as JSON; signed with this key, or with none that `secret` fits."""
    raw = base64.encodebytes(mail.raw.encode()).decode()
    told = {"id": 12345, "rcpt_to": mail.to, "mail_from": "ada@example.com", "message": raw, "base64": True}
    body = json.dumps(told).encode()
    signed = body if secret == postal_key.KEY else b"something else"
    return Posting(
        body, JSON, {"X-Postal-Signature": base64.b64encode(postal_key.signature(signed)).decode()}
    )


SIGNING = (mailersend, mailgun, mandrill, postal, resend)
BY_PASSWORD = (brevo, mailjet, postmark, sendgrid, ses, sparkpost)
PROVIDERS: dict[str, Callable[..., Posting]] = {each.__name__: each for each in (*SIGNING, *BY_PASSWORD)}


def _json(told: object, headers: dict[str, str]) -> Posting:
    return Posting(json.dumps(told).encode(), JSON, headers)


def _multipart(fields: dict[str, str]) -> Posting:
    part = '--{}\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = "".join(part.format(BOUNDARY, name, value) for name, value in fields.items())
    return Posting(f"{body}--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}", {})


def _basic(secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
