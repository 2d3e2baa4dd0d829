"""Something gentler than leaving: a pause, or its end, or fewer mails. Each is one press."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from subscribers import resting
from subscribers.models import Subscription

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from subscribers.consent import Circumstances

Status, Frequency = Subscription.Status, Subscription.Frequency


class Offer(models.TextChoices):
    GO_ON = "go_on", _("Go on now")
    WEEKLY = "weekly", _("One mail a week instead")
    WEEKDAYS = "weekdays", _("Only from Monday to Friday")
    TWO_WEEKS = resting.TWO_WEEKS, _("Pause for two weeks")
    MONTH = resting.MONTH, _("Pause for a month")


PAUSES = {Offer(name): length for name, length in resting.LENGTHS.items()}
LONGER = timedelta(days=7)  # than the pause that is on: less is not worth a press
FREQUENCIES = {Offer.WEEKLY: Frequency.WEEKLY, Offer.WEEKDAYS: Frequency.WEEKDAYS}


def of(subscription: Subscription) -> list[Offer]:
    """What there is for this reader; for one who has left, what there was before.

    The unsubscribe link is enough to take one, and it may have been forwarded. So nothing is offered that would bring
    more than the reader asked for: the end of a pause brings just that, and leads here again.
    """
    status = subscription.status
    if status == Status.UNSUBSCRIBED:
        status = Status(subscription.left_as) if subscription.left_as else Status.PENDING
    match status:
        case Status.ACTIVE:
            return [*_fewer(subscription), *PAUSES]
        case Status.PAUSED:
            return [*([Offer.GO_ON] if subscription.status == Status.PAUSED else []), *_longer(subscription)]
        case _:
            return []


def take(subscription: Subscription, offer: Offer, *, circumstances: Circumstances) -> bool:
    """False when it is not there for this reader (any more)."""
    if offer not in of(subscription):
        return False
    if offer == Offer.GO_ON:
        return resting.resume(subscription, circumstances=circumstances)
    if offer in PAUSES:
        until: datetime = timezone.now() + PAUSES[offer]
        return resting.pause(subscription, until=until, circumstances=circumstances)
    return resting.choose(subscription, FREQUENCIES[offer], circumstances=circumstances)


def named(text: str) -> Offer | None:
    return next((offer for offer in Offer if offer.value == text), None)


def _longer(subscription: Subscription) -> Iterator[Offer]:
    """Not the pause they have, a few days later."""
    if ends := subscription.paused_until:
        enough = ends + LONGER
        yield from (offer for offer, length in PAUSES.items() if timezone.now() + length >= enough)


def _fewer(subscription: Subscription) -> Iterator[Offer]:
    newsletter, frequency = subscription.newsletter, subscription.frequency
    if newsletter.digest_day is not None and frequency != Frequency.WEEKLY:
        yield Offer.WEEKLY
    if newsletter.offers_weekdays and frequency == Frequency.EVERY:
        yield Offer.WEEKDAYS
