from __future__ import annotations

from delivery.models.acceptance import Acceptance
from delivery.models.alarm import Alarm
from delivery.models.answer import Answer
from delivery.models.batch import Attempt, Batch
from delivery.models.delivery import Delivery
from delivery.models.digest import Digest
from delivery.models.dispatch import Dispatch
from delivery.models.event import Event
from delivery.models.installation import Installation
from delivery.models.mailer import MailerState, SendingDomain
from delivery.models.plan import Plan
from delivery.models.proof import Proof
from delivery.models.wording import Wording

__all__ = [
    "Acceptance",
    "Alarm",
    "Answer",
    "Attempt",
    "Batch",
    "Delivery",
    "Digest",
    "Dispatch",
    "Event",
    "Installation",
    "MailerState",
    "Plan",
    "Proof",
    "SendingDomain",
    "Wording",
]
