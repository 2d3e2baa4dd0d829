"""One provider call per reader: for providers without a batch call of use, and for the local outbox."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.core.mail import EmailMultiAlternatives, mailers

from delivery.exceptions import CallRefused, SendError, Uncertain
from delivery.gateway.answers import before_speaking, verdict
from delivery.messages import LONGEST_BATCH, Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.messages import IssueMail, Recipient


def hand_over(mail: IssueMail, recipients: Sequence[Recipient], *, alias: str) -> Receipt:
    receipt, deadline = Receipt(), time.monotonic() + LONGEST_BATCH
    try:
        connection = mailers[alias]
        connection.open()
    except Exception as error:  # nothing has been spoken yet, whatever it was
        receipt.stopped_by = before_speaking(error)
        return receipt
    with connection:
        for recipient in recipients:
            if time.monotonic() > deadline:
                break
            try:
                message = build(mail, recipient)
                connection.send_messages([message])
            except Exception as error:  # whatever it was, this reader needs a verdict
                if not _note(receipt, recipient, verdict(error)):
                    return receipt
            else:
                _note_answer(receipt, recipient, message)
    return receipt


def build(mail: IssueMail, recipient: Recipient) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text.fill(recipient.values),
        from_email=mail.sender,
        to=[recipient.address],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers={**mail.headers, "List-Unsubscribe": recipient.list_unsubscribe},
    )
    message.attach_alternative(mail.html.fill(recipient.values), "text/html")
    return message


def _note(receipt: Receipt, recipient: Recipient, error: SendError) -> bool:
    """Whether the next reader may be tried."""
    match error:
        case CallRefused():
            receipt.refused[recipient.delivery_id] = str(error)
            return True
        case Uncertain():
            receipt.uncertain[recipient.delivery_id] = str(error)
    receipt.stopped_by = error
    return False


def _note_answer(receipt: Receipt, recipient: Recipient, message: EmailMultiAlternatives) -> None:
    status = getattr(message, "anymail_status", None)
    statuses = status.status if status else {"sent"}  # the outbox and other plain backends raise or have sent
    if statuses and statuses <= {"queued", "sent"}:
        receipt.accepted[recipient.delivery_id] = getattr(status, "message_id", None) or ""
    elif statuses and statuses <= {"invalid", "rejected", "failed"}:
        receipt.refused[recipient.delivery_id] = f"The provider says: {', '.join(statuses)}."
    else:
        receipt.uncertain[recipient.delivery_id] = f"The provider says: {', '.join(statuses or ['nothing'])}."
