"""An issue, its readers, and mailers of every provider that takes many of them in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config import mailers
from delivery import gateway
from delivery.messages import IssueMail, Receipt, Recipient
from newsletter.rendering import Stencil
from newsletter.rendering.stencil import slot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.exceptions import SendError
    from tests.delivery.gateway.listener import Listener

HEADERS = {
    "List-Id": "<daily.news.example>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Feedback-ID": "7:daily:issue:courant",
}
HTML = f'<p>Ebbe &amp; Flut: "é"</p>\n<a href="{slot("unsubscribe_url")}">Leave</a>'
TEXT = f'Ebbe & Flut: "é"\nLeave: {slot("unsubscribe_url")}\n'
# What a mailer's environment would say; each provider's real address, which no test speaks to, is replaced.
URLS = {
    "brevo": "brevo://key",
    "mailgun": "mailgun://key@mg.example.com",
    "mailjet": "mailjet://key:secret@",
    "mailtrap": "mailtrap://key",
    "postmark": "postmark://key?message_stream=broadcast",
    "resend": "resend://key",
    "sendgrid": "sendgrid://key",
}
SINGLE_URLS = {
    "postal": "postal://key",
    "scaleway": "scaleway://secret@project",
    "ses": "ses://?region=eu-west-1",
    "sparkpost": "sparkpost://key",
}
ALL = URLS | SINGLE_URLS
KEY = "0e7c7d0a-5b1a-4c8e-9a57-1f0f4a3f6a11"


def issue_mail(
    *,
    html: str = HTML,
    text: str = TEXT,
    headers: Mapping[str, str] = HEADERS,
    subject: str = "Gezeiten – “Tides”",
    **fields: str,
) -> IssueMail:
    return IssueMail(
        subject=subject,
        sender=fields.get("sender", "The Daily <editors@daily.example>"),
        reply_to=fields.get("reply_to", "Letters <letters@daily.example>"),
        html=Stencil.parse(html),
        text=Stencil.parse(text),
        headers=headers,
        message_domain="news.example",
    )


def link(delivery_id: int) -> str:
    """Longer than a line of a header, as the real ones are."""
    return (
        f"https://news.example/s/unsubscribe/{delivery_id}.42~abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ"
    )


def reader(delivery_id: int, address: str) -> Recipient:
    return Recipient(delivery_id, address, {"unsubscribe_url": link(delivery_id)})


def readers(count: int) -> list[Recipient]:
    return [reader(number, f"reader{number}@example.com") for number in range(1, count + 1)]


def use(settings: Any, url: str, **hand_over: int) -> None:
    """Make `url` the mailer of issues."""
    mailer = mailers.parse(url, name="MAILER_URL")
    settings.MAILERS = {**settings.MAILERS, "bulk": mailer.as_setting()}
    settings.HAND_OVER = {"bulk": {"scheme": mailer.scheme, **hand_over}}


def at(url: str, listener: Listener) -> str:
    """The mailer URL of a provider that lives where `listener` does."""
    return f"{url}{'&' if '?' in url else '?'}api_url={listener.url}"


def spoken(*recipients: Recipient, mail: IssueMail | None = None) -> Receipt:
    return gateway.ready(mail or issue_mail(), recipients, alias="bulk", key=KEY).speak()


def told(receipt: Receipt) -> tuple[list[int], list[int], list[int], type[SendError] | None]:
    stopped = type(receipt.stopped_by) if receipt.stopped_by else None
    return list(receipt.accepted), list(receipt.refused), list(receipt.uncertain), stopped
