"""The one place that speaks to mail providers.

`hand_over` gives one batch to the mailer in the way that fits it and says, reader by reader, what is known. It never
raises for what a provider does: every answer becomes part of the Receipt (table in answers.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery.gateway import single, slots, smtp
from delivery.gateway.profiles import Way, batch_size, concurrency, profile, scheme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.messages import IssueMail, Receipt, Recipient

__all__ = ["batch_size", "concurrency", "hand_over", "scheme"]


def hand_over(mail: IssueMail, recipients: Sequence[Recipient], *, alias: str) -> Receipt:
    """Give `mail` to every recipient through the mailer `alias` of MAILERS, speaking once."""
    match profile(alias).way:
        case Way.SLOTS:
            return slots.hand_over(mail, recipients, alias=alias, syntax=profile(alias).slot_syntax)
        case Way.SMTP:
            return smtp.hand_over(mail, recipients, alias=alias)
        case Way.SINGLE:
            return single.hand_over(mail, recipients, alias=alias)
