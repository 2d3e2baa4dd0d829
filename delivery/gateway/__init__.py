"""The one place that speaks to mail providers.

A hand-over has two halves. `ready` does all that can fail without harm: it connects and builds every mail, and raises
SendError if it cannot; nothing has left the house. What it returns speaks once when it is called, and says reader by
reader what is known: it never raises for what a provider does (table in answers.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery.gateway import single, slots, smtp
from delivery.gateway.answers import before_speaking
from delivery.gateway.profiles import Way, batch_size, concurrency, profile, scheme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from delivery.messages import IssueMail, Receipt, Recipient

__all__ = ["batch_size", "concurrency", "ready", "scheme"]


def ready(mail: IssueMail, recipients: Sequence[Recipient], *, alias: str) -> Callable[[], Receipt]:
    """Prepare to give `mail` to every recipient through the mailer `alias` of MAILERS. Raises SendError."""
    found = profile(alias)
    try:
        match found.way:
            case Way.SLOTS:
                return slots.ready(mail, recipients, alias=alias, syntax=found.slot_syntax)
            case Way.SMTP:
                return smtp.ready(mail, recipients, alias=alias)
            case Way.SINGLE:
                return single.ready(mail, recipients, alias=alias)
    except Exception as error:  # nothing has been spoken yet, whatever it was
        raise before_speaking(error) from error
