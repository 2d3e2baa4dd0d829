from __future__ import annotations

from subscribers.models.address_change import AddressChange
from subscribers.models.burst import Burst
from subscribers.models.consent import ConsentEvent, Wording
from subscribers.models.day import ReaderDay
from subscribers.models.kept_out import KeptOut
from subscribers.models.letter import Letter, LetterText
from subscribers.models.mailbox import Mailbox
from subscribers.models.people import (
    Subscriber,
    Subscription,
    SubscriptionQuerySet,
    Suppression,
    address_key,
    mark_as_left,
    unloaded_subscription,
)
from subscribers.models.siege import Siege
from subscribers.models.sign_up import SignUp

__all__ = [
    "AddressChange",
    "Burst",
    "ConsentEvent",
    "KeptOut",
    "Letter",
    "LetterText",
    "Mailbox",
    "ReaderDay",
    "Siege",
    "SignUp",
    "Subscriber",
    "Subscription",
    "SubscriptionQuerySet",
    "Suppression",
    "Wording",
    "address_key",
    "mark_as_left",
    "unloaded_subscription",
]
