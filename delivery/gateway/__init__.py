"""The one place that speaks to mail providers.

A hand-over has two halves. `ready` does all that can fail without harm: it connects where it must and builds every
mail, and raises SendError if it cannot; nothing has left the house. What it returns speaks once when it is told to, and
says reader by reader what is known: it never raises for what a provider does (tables in answers.py and refusals.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from delivery.gateway import batch, readers, single, smtp
from delivery.gateway.answers import before_speaking
from delivery.gateway.profiles import Way, batch_size, concurrency, in_flight, profile, scheme
from delivery.messages import HandOver, Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.messages import IssueMail, Page, Recipient

__all__ = ["batch_size", "concurrency", "in_flight", "profile", "ready", "scheme"]


def ready(mail: IssueMail, recipients: Sequence[Recipient], *, alias: str, key: str = "") -> HandOver:
    """Prepare to give `mail` to every recipient through the mailer `alias` of MAILERS. Raises SendError.

    `key` goes to providers that take the same call twice as one (`profile(alias).key_life`); the same mail, recipients
    and key are the same call.
    """
    try:
        readers.check(mail)
        good, refused = readers.sound(recipients)
        hand_over = _ready(mail, good, alias=alias, key=key) if good else HandOver(Receipt, "")
    except Exception as error:  # nothing has been spoken yet, whatever it was
        raise before_speaking(error) from error
    return _with_refused(hand_over, refused) if refused else hand_over


def _ready(mail: IssueMail, recipients: Sequence[Recipient], *, alias: str, key: str) -> HandOver:
    found, name = profile(alias), scheme(alias)
    match found.way:
        case Way.SMTP:
            return smtp.ready(mail, recipients, alias=alias)
        case Way.SINGLE:
            return single.ready(mail, recipients, alias=alias, scheme=name, key=key)
        case _:
            return batch.ready(mail, recipients, alias=alias, scheme=name, profile=found, key=key)


def _with_refused(hand_over: HandOver, refused: dict[int, str]) -> HandOver:
    def speak(*page: Page) -> Receipt:
        receipt = hand_over.speak(*page)
        receipt.refused |= refused
        return receipt

    return replace(hand_over, speak=speak)
