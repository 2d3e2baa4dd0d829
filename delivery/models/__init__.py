from __future__ import annotations

from delivery.models.alarm import Alarm
from delivery.models.batch import Attempt, Batch
from delivery.models.delivery import Delivery
from delivery.models.dispatch import Dispatch
from delivery.models.event import Event
from delivery.models.installation import Installation
from delivery.models.mailer import MailerState, SendingDomain

__all__ = [
    "Alarm",
    "Attempt",
    "Batch",
    "Delivery",
    "Dispatch",
    "Event",
    "Installation",
    "MailerState",
    "SendingDomain",
]
