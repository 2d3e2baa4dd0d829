"""A doubt that the provider itself can clear: the same call again, with the same key, and it says what became of it.

What the call is made of is kept with the attempt, so that the same bytes come out whoever has left or changed address
since; the fingerprint proves that they are the same. When they cannot be made again (another version of Courant, say),
or the provider has forgotten the key, the readers are uncertain, as with a provider that knows no keys.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from delivery import gateway, recording
from delivery.messages import WAYS_OUT, Recipient
from delivery.models import Attempt, Batch, Delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.messages import HandOver, IssueMail

logger = logging.getLogger(__name__)

EXPIRED = "There was no answer, and the provider could not be asked again in time with the same key."


def kept(recipients: Sequence[Recipient]) -> list[list[Any]]:
    return [[recipient.delivery_id, recipient.address, recipient.values] for recipient in recipients]


def _key_life(alias: str) -> timedelta | None:
    """None as well for a mailer that the settings do not name any more."""
    return gateway.profile(alias).key_life if alias in settings.HAND_OVER else None


def attempt_of(batch: Batch) -> Attempt | None:
    """The hand-over in doubt, if the provider still knows its key for sure."""
    life = _key_life(batch.mailer)
    found = Attempt.objects.filter(batch=batch, recipients__isnull=False).order_by("-pk")
    return found.filter(started_at__gt=Now() - life).first() if life else None


def same_again(attempt: Attempt, mail: IssueMail) -> HandOver | None:
    """The same bytes once more; None when other ones come out. Raises SendError."""
    recipients = [Recipient(*each) for each in attempt.recipients or []]
    then = replace(mail, ways_out=_ways_out(recipients))
    hand_over = gateway.ready(then, recipients, alias=attempt.mailer, key=attempt.key)
    return hand_over if hand_over.fingerprint == attempt.fingerprint else None


def _ways_out(recipients: Sequence[Recipient]) -> tuple[str, ...]:
    """As they were: the address to leave by mail may have come, or gone, since."""
    values = recipients[0].values if recipients else {}
    return tuple(name for name in WAYS_OUT if name in values)


def leave(batch: Batch) -> None:
    """The provider cannot be asked any more: whoever was in flight is uncertain, until there is evidence."""
    with transaction.atomic():
        if Batch.objects.held(batch, state=Batch.State(batch.state)).unlocked():
            doubtful = recording.leave_in_doubt(batch, reason=Delivery.Reason.KEY_EXPIRED, words=EXPIRED)
            logger.error("Dispatch %s: %s readers are uncertain. %s", batch.dispatch_id, doubtful, EXPIRED)


def expire() -> None:
    """Doubts that wait for a mailer that did not come back in time."""
    for batch in Batch.objects.filter(state=Batch.State.READY).exclude(pinned_to=""):
        life = _key_life(batch.pinned_to) or timedelta()
        if not Attempt.objects.filter(
            batch=batch, recipients__isnull=False, started_at__gt=Now() - life
        ).exists():
            leave(batch)
