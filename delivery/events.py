"""How each provider tells what became of a mail: how it proves who it is, and what its words mean.

Anymail brings the words into one form, but for one difference that decides over readers: whether an address does not
exist, or only did not work today. That stands in the provider's own event.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from delivery.models import Event

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Event.Kind


@dataclass(frozen=True, slots=True)
class Source:
    view: str  # Anymail's, which knows the form and the signature
    key: str = "webhook_secret"  # what that view calls the secret; by default user:password, as in basic auth

    @property
    def signs(self) -> bool:
        return self.key != "webhook_secret"


# Who brings our delivery's number back. The others have no webhooks, or no place for it.
SOURCES = {
    "brevo": Source("brevo.BrevoTrackingWebhookView"),
    "mailgun": Source("mailgun.MailgunTrackingWebhookView", "webhook_signing_key"),
    "mailjet": Source("mailjet.MailjetTrackingWebhookView"),
    "mailtrap": Source("mailtrap.MailtrapTrackingWebhookView", "tracking_secret"),
    "mandrill": Source("mandrill.MandrillCombinedWebhookView", "webhook_key"),
    "postmark": Source("postmark.PostmarkTrackingWebhookView"),
    "resend": Source("resend.ResendTrackingWebhookView", "signing_secret"),
    "sendgrid": Source("sendgrid.SendGridTrackingWebhookView"),
    "ses": Source("amazon_ses.AmazonSESTrackingWebhookView"),
    "sparkpost": Source("sparkpost.SparkPostTrackingWebhookView"),
    "unisender-go": Source("unisender_go.UnisenderGoTrackingWebhookView", "api_key"),
}


def source(mailer: str) -> Source | None:
    """How the provider behind a mailer tells its events; None when it does not."""
    return SOURCES.get(str(settings.HAND_OVER.get(mailer, {}).get("scheme")))


def secret(mailer: str) -> str:
    return str(settings.WEBHOOK_SECRETS.get(mailer, ""))


def are_heard(mailer: str) -> bool:
    """Whether there could be evidence at all."""
    return bool(source(mailer) and secret(mailer))


def kind_of(event_type: str, raw: Any, *, scheme: str, words: str) -> Event.Kind:
    """What an event of Anymail's means for the reader. `raw` is the provider's own."""
    match event_type:
        case "bounced":
            is_hard = HARD[scheme](raw) and not NOT_THE_ADDRESS.search(words)
            return Kind.HARD_BOUNCED if is_hard else Kind.SOFT_BOUNCED
        case "complained" if IS_NO_COMPLAINT.get(scheme, lambda raw: False)(raw):
            return Kind.OTHER
    return Kind(event_type) if event_type in Kind.values else Kind.OTHER


# RFC 3463: "mailbox full", a policy of the receiver's, and everything that begins with 4. Whatever the provider calls
# it, the address is there.
NOT_THE_ADDRESS = re.compile(r"(?:^|\b[45]\d\d[ -])(?:4\.\d+\.\d+|5\.2\.2|5\.7\.\d+)\b")

# Whether a bounce says that there is no such address.
HARD: dict[str, Callable[[Any], bool]] = {
    "brevo": lambda raw: raw["event"] in {"hard_bounce", "invalid_email"},
    # "old" and "generic" are permanent, too: of this mail, not of the address.
    "mailgun": lambda raw: (
        raw["event-data"].get("severity") == "permanent"
        and raw["event-data"].get("reason") in {"bounce", "suppress-bounce"}
    ),
    "mailjet": lambda raw: bool(raw.get("hard_bounce")),
    "mailtrap": lambda raw: raw["event"] == "bounce",
    "mandrill": lambda raw: raw.get("event") == "hard_bounce",
    "postmark": lambda raw: "HardBounce" in {raw.get("Type"), raw.get("SuppressionReason")},
    "resend": lambda raw: raw["data"].get("bounce", {}).get("type") == "Permanent",
    "sendgrid": lambda raw: raw["event"] == "bounce" and raw.get("type", "bounce") == "bounce",
    "ses": lambda raw: raw.get("bounce", {}).get("bounceType") == "Permanent",
    "sparkpost": lambda raw: any(
        each.get("bounce_class") in {"10", "30"} for each in raw["msys"].values()
    ),  # invalid recipient; no such mailbox
    "unisender-go": lambda raw: (
        raw.get("delivery_info", {}).get("delivery_status")
        in {"err_user_unknown", "err_user_inactive", "err_domain_inactive"}
    ),
}
IS_NO_COMPLAINT: dict[str, Callable[[Any], bool]] = {
    "postmark": lambda raw: raw.get("Type") == "SpamNotification",  # a filter's word, not the reader's
    "ses": lambda raw: raw.get("complaint", {}).get("complaintFeedbackType") == "not-spam",
}
