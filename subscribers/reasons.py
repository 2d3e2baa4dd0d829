"""Why somebody left, if they care to say: asked after it is done, and never needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from newsletter.validators import DIRECTION_OVERRIDES
from subscribers import consent
from subscribers.models import ConsentEvent, Subscription

if TYPE_CHECKING:
    from datetime import datetime

    from subscribers.consent import Circumstances

MOST_WORDS = 500  # characters


class Reason(models.TextChoices):
    OFTEN = "often", _("Too many mails")
    INTEREST = "interest", _("The subject is not mine any more")
    EXPECTED = "expected", _("It is not what I expected")
    NEVER = "never", _("I never signed up")
    OTHER = "other", _("Something else")


def say(
    subscription: Subscription, *, left_at: datetime, reason: str, words: str, circumstances: Circumstances
) -> bool:
    """Note the reason of the leaving of `left_at`; of each leaving the first one counts. False: nothing was noted."""
    said = {
        "reason": next((each.value for each in Reason if each.value == reason), ""),
        "words": _plain(words),
    }
    if not any(said.values()):
        return False
    with transaction.atomic():
        # The lock makes two tabs take turns; who has come back meanwhile has taken the reason back as well.
        locked = Subscription.objects.select_for_update().only("pk")
        left = locked.filter(pk=subscription.pk, unsubscribed_at=left_at).first()
        if left is None or has_said(subscription, left_at=left_at):
            return False
        details = {name: value for name, value in said.items() if value}
        now = timezone.now()
        consent.note(consent.Kind.REASON, subscription, circumstances, at=now, details=details)
    return True


def has_said(subscription: Subscription, *, left_at: datetime) -> bool:
    return ConsentEvent.objects.filter(
        kind=consent.Kind.REASON,
        subscriber=subscription.subscriber_id,
        newsletter=subscription.newsletter_id,
        happened_at__gte=left_at,
    ).exists()


def _plain(words: str) -> str:
    """One line of what can be seen: it is read at the desk, between other people's words."""
    kept = "".join(" " if char.isspace() else char for char in words if char not in DIRECTION_OVERRIDES)
    return " ".join("".join(char for char in kept if char.isprintable()).split())[:MOST_WORDS]
