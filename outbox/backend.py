"""Django's mail backend for `outbox://`: what is sent stays on this machine, one copy for every recipient."""

from __future__ import annotations

from email import policy
from typing import TYPE_CHECKING

from django.core.mail.backends.base import BaseEmailBackend

from outbox import mailbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.mail import EmailMessage

# Lines as long as RFC 5322 allows: at 78 a long List-Unsubscribe link becomes encoded words, which no mailbox reads.
WIDE = policy.default.clone(max_line_length=998)


class EmailBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store all messages in one transaction; a message that cannot be built stops them all."""
        built = [
            (message.recipients(), message.message(policy=WIDE).as_bytes())
            for message in email_messages
            if message.recipients()
        ]
        if built:
            mailbox.deliver((recipient, source) for recipients, source in built for recipient in recipients)
        return len(built)
