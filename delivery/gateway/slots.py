"""Many readers in one provider call: the body goes once, with slots that the provider fills in for each reader."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from anymail.message import AnymailMessage

from delivery.exceptions import Uncertain
from delivery.gateway.answers import verdict
from delivery.messages import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from delivery.exceptions import SendError
    from delivery.messages import IssueMail, Recipient
    from newsletter.rendering import Stencil

NAME = "courant_{}"  # so that no editor's text is taken for a slot
# What Mailgun would fill in by itself if an editor wrote it; a word joiner, which nobody sees, keeps it text.
PROVIDERS_OWN = re.compile(r"%(?=(?:recipient|(?:tag_|mailing_list_)?unsubscribe)[a-z_.]*%)")
BROKEN_UP = "%\u2060"


def ready(
    mail: IssueMail, recipients: Sequence[Recipient], *, alias: str, syntax: str
) -> Callable[[], Receipt]:
    message = build(mail, recipients, syntax=syntax)
    return lambda: _speak(message, recipients, alias=alias)


def build(mail: IssueMail, recipients: Sequence[Recipient], *, syntax: str) -> AnymailMessage:
    """Raises ValueError when two recipients share an address: the provider's call could not tell them apart."""
    if len({recipient.address for recipient in recipients}) != len(recipients):
        raise ValueError("An address stands twice in one batch.")
    message = AnymailMessage(
        subject=mail.subject,
        body=with_slots(mail.text, syntax),
        from_email=mail.sender,
        to=[recipient.address for recipient in recipients],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers=dict(mail.headers),
    )
    message.attach_alternative(with_slots(mail.html, syntax), "text/html")
    # Never empty: without per-reader data Anymail would show every reader all the others' addresses.
    message.merge_headers = {
        recipient.address: {"List-Unsubscribe": recipient.list_unsubscribe} for recipient in recipients
    }
    message.merge_data = {
        recipient.address: {NAME.format(name): value for name, value in recipient.values.items()}
        for recipient in recipients
    }
    # What comes back in the provider's events: the only join that works if the answer to the call is lost.
    message.merge_metadata = {
        recipient.address: {"delivery": str(recipient.delivery_id)} for recipient in recipients
    }
    return message


def with_slots(stencil: Stencil, syntax: str) -> str:
    """The stencil in the provider's own words for a slot."""
    literals = tuple(PROVIDERS_OWN.sub(BROKEN_UP, literal) for literal in stencil.literals)
    return replace(stencil, literals=literals).fill(
        {name: syntax.format(NAME.format(name)) for name in stencil.slots}
    )


def _speak(message: AnymailMessage, recipients: Sequence[Recipient], *, alias: str) -> Receipt:
    try:
        message.send(using=alias)
    except Exception as error:  # whatever it was, these readers need a verdict
        return _after_error(verdict(error), recipients)
    return _answered(message, recipients)


def _answered(message: AnymailMessage, recipients: Sequence[Recipient]) -> Receipt:
    receipt = Receipt()
    statuses = message.anymail_status.recipients
    for recipient in recipients:
        status = statuses.get(recipient.address)
        if status is None:
            receipt.uncertain[recipient.delivery_id] = "The provider's answer does not name this reader."
        elif status.status in {"queued", "sent"}:
            receipt.accepted[recipient.delivery_id] = status.message_id or ""
        elif status.status in {"invalid", "rejected", "failed"}:
            receipt.refused[recipient.delivery_id] = f"The provider says: {status.status}."
        else:
            receipt.uncertain[recipient.delivery_id] = f"The provider says: {status.status}."
    return receipt


def _after_error(error: SendError, recipients: Sequence[Recipient]) -> Receipt:
    receipt = Receipt(stopped_by=error)
    if isinstance(error, Uncertain):
        receipt.uncertain = {recipient.delivery_id: str(error) for recipient in recipients}
    return receipt
