"""One provider call per reader: for providers without a batch call of use, and for the local outbox."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.core.mail import EmailMultiAlternatives, mailers

from delivery.exceptions import CallRefused, SendError, Uncertain
from delivery.gateway.answers import InARow, verdict
from delivery.messages import LONGEST_BATCH, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from delivery.messages import IssueMail, Recipient


def ready(mail: IssueMail, recipients: Sequence[Recipient], *, alias: str) -> Callable[[], Receipt]:
    connection = mailers[alias]
    messages = [(recipient, build(mail, recipient)) for recipient in recipients]
    connection.open()
    return lambda: _speak(connection, messages)


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
    # Anymail's word for what comes back in the provider's events: the only join that works if an answer is lost.
    message.metadata = {"delivery": str(recipient.delivery_id)}  # type: ignore[attr-defined]
    return message


def _speak(connection: Any, messages: list[tuple[Recipient, EmailMultiAlternatives]]) -> Receipt:
    receipt, deadline, in_a_row = Receipt(), time.monotonic() + LONGEST_BATCH, InARow()
    with connection:
        for recipient, message in messages:
            if time.monotonic() > deadline or receipt.stopped_by:
                break
            try:
                connection.send_messages([message])
            except Exception as error:  # whatever it was, this reader needs a verdict
                _note(receipt, recipient, verdict(error))
            else:
                _note_answer(receipt, recipient, message)
            receipt.stopped_by = receipt.stopped_by or in_a_row.count(receipt)
    return receipt


def _note(receipt: Receipt, recipient: Recipient, error: SendError) -> None:
    match error:
        case CallRefused():
            receipt.refused[recipient.delivery_id] = str(error)
            return
        case Uncertain():
            receipt.uncertain[recipient.delivery_id] = str(error)
    receipt.stopped_by = error


def _note_answer(receipt: Receipt, recipient: Recipient, message: EmailMultiAlternatives) -> None:
    status = getattr(message, "anymail_status", None)
    statuses = status.status if status else {"sent"}  # the outbox and other plain backends raise or have sent
    if statuses and statuses <= {"queued", "sent"}:
        receipt.accepted[recipient.delivery_id] = getattr(status, "message_id", None) or ""
    elif statuses and statuses <= {"invalid", "rejected", "failed"}:
        receipt.refused[recipient.delivery_id] = f"The provider says: {', '.join(statuses)}."
    else:
        receipt.uncertain[recipient.delivery_id] = f"The provider says: {', '.join(statuses or ['nothing'])}."
