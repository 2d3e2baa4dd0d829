"""One provider call per reader: for providers without a batch call of use, and for the local outbox."""

from __future__ import annotations

import email.policy
import hashlib
import time
from email.headerregistry import HeaderRegistry, UnstructuredHeader
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers

from delivery.exceptions import CallRefused, Uncertain
from delivery.gateway import receipts
from delivery.gateway.answers import InARow, before_speaking, verdict
from delivery.gateway.kept import LONGEST_CONNECT, Kept, Session
from delivery.messages import LONGEST_BATCH, HandOver, Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import EmailMessage

    from delivery.gateway.receipts import Outcome
    from delivery.messages import IssueMail, Page, Recipient

WITHOUT_METADATA = frozenset({"mailersend", "postal"})
Letter = tuple["Recipient", "Message"]


class Unfolded(UnstructuredHeader):
    """Stays in one line. A link has no space to fold it at, and Python would write it in encoded words instead, which
    no mailbox reads as a link; RFC 5322 2.1.1 allows a line 998 characters."""

    def fold(self, *, policy: email.policy.Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]  # the header's


def _policy() -> email.policy.EmailPolicy[EmailMessage]:
    registry = HeaderRegistry()
    registry.map_to_type("list-unsubscribe", Unfolded)  # type: ignore[arg-type]  # mixed into a header, as the stubs do not see
    return email.policy.default.clone(header_factory=registry)


POLICY = _policy()


class Message(EmailMultiAlternatives):
    def message(self, *, policy: Any = POLICY) -> Any:
        return super().message(policy=policy)


# Every backend keeps its own connection open: a session, or Amazon's client.
backends: Kept[Any] = Kept(lambda backend: backend.close())


def ready(mail: IssueMail, recipients: Sequence[Recipient], *, alias: str, scheme: str, key: str) -> HandOver:
    letters = [(recipient, build(mail, recipient, scheme=scheme)) for recipient in recipients]
    with _open(alias) as backend:
        if letters:
            _try_out(backend, letters[0][1])
    return HandOver(
        partial(_speak, letters, alias=alias), _fingerprint(mail, recipients, alias, key), is_one_by_one=True
    )


def build(mail: IssueMail, recipient: Recipient, *, scheme: str = "") -> Message:
    message = Message(
        subject=mail.subject,
        body=mail.text.fill(recipient.values),
        from_email=mail.sender,
        to=[recipient.address],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers={**mail.headers, "List-Unsubscribe": recipient.list_unsubscribe},
    )
    message.attach_alternative(mail.html.fill(recipient.values), "text/html")
    if scheme not in WITHOUT_METADATA:
        # Anymail's word for what comes back in the provider's events: the only join that works if an answer is lost.
        message.metadata = {"delivery": str(recipient.delivery_id)}  # type: ignore[attr-defined]  # Anymail's
    return message


def _open(alias: str) -> Any:
    return backends.use((alias, str(settings.MAILERS[alias])), make=partial(_opened, alias))


def _opened(alias: str) -> Any:
    backend: Any = mailers[alias]
    if hasattr(backend, "create_session"):  # Anymail's over requests
        made = backend.create_session()
        backend.session = Session()
        backend.session.headers.update(made.headers)
        backend.timeout = (LONGEST_CONNECT, backend.timeout)
    else:
        backend.open()
    return backend


def _try_out(backend: Any, message: Message) -> None:
    """What a provider cannot say at all it cannot say to anybody: learn it before anybody is marked as refused."""
    if hasattr(backend, "build_message_payload"):
        backend.build_message_payload(message, backend.send_defaults)


def _fingerprint(mail: IssueMail, recipients: Sequence[Recipient], alias: str, key: str) -> str:
    """Of what the mails are made of: a date and a Message-ID are new each time."""
    said = [alias, key, mail.subject, mail.sender, mail.reply_to, mail.html.source, mail.text.source]
    said += [f"{name}: {value}" for name, value in mail.headers.items()]
    for recipient in recipients:
        said += [str(recipient.delivery_id), recipient.address, *map(str, sorted(recipient.values.items()))]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()


def _speak(letters: Sequence[Letter], page: Page | None = None, *, alias: str) -> Receipt:
    receipt, deadline, in_a_row = Receipt(), time.monotonic() + LONGEST_BATCH, InARow()
    being_told: int | None = None  # whose call is on its way, without an outcome yet
    try:
        with _open(alias) as backend:
            for recipient, message in letters:
                if time.monotonic() > deadline or receipt.stopped_by:
                    break
                if page:
                    page.telling(recipient.delivery_id, receipt)
                being_told = recipient.delivery_id
                receipts.note(receipt, recipient, _sent(backend, message))
                being_told = None
                receipt.stopped_by = receipt.stopped_by or in_a_row.count(receipt)
    except Exception as error:  # it could not even be opened; or we were interrupted, by a time limit, say
        receipt.stopped_by = before_speaking(error)
        if being_told is not None and being_told not in receipt.accepted | receipt.refused:
            words = f"{type(error).__name__}: {error}"[:500]
            receipt.uncertain[being_told] = words
            receipt.stopped_by = Uncertain(words)
    return receipt


def _sent(backend: Any, message: Message) -> Outcome:
    try:
        backend.send_messages([message])
    except Exception as error:  # whatever it was, this reader needs a verdict
        # Anymail may have the provider's answer already, and the error be one of whoever was told of it.
        answered = _answered(message)
        return verdict(error) if answered is None else answered
    if not hasattr(message, "anymail_status"):
        return ""  # the outbox and other plain backends raise or have sent
    answered = _answered(message)
    return Uncertain("The provider's answer does not name this reader.") if answered is None else answered


def _answered(message: Message) -> Outcome | None:
    status: Any = getattr(message, "anymail_status", None)
    words: set[str] | None = status and status.status
    if not words:
        return None
    if words <= {"queued", "sent"}:
        return str(status.message_id or "")
    said = f"The provider says: {', '.join(sorted(words))}."
    return CallRefused(said) if words <= {"invalid", "rejected", "failed"} else Uncertain(said)
