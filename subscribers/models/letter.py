from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from newsletter.models import Newsletter
from newsletter.validators import one_line
from subscribers.models.people import Subscriber, Subscription

if TYPE_CHECKING:
    from datetime import datetime


class LetterQuerySet(models.QuerySet["Letter"]):
    def due(self, now: datetime) -> LetterQuerySet:
        return self.filter(due_at__lte=now).order_by("due_at")


class Letter(models.Model):
    """A mail to one person about their subscriptions: due, or sent. Kept a month, so that cool-downs can be told."""

    class Kind(models.TextChoices):
        CONFIRMATION = "confirmation", _("please confirm")
        REMINDER = "reminder", _("a reminder to confirm")
        WELCOME = "welcome", _("welcome")
        KNOWN = "known", _("you already get it, and here you manage it")
        MANAGE = "manage", _("your link to manage everything")
        GOODBYE = "goodbye", _("goodbye, and the way back")
        NEW_ADDRESS = "new_address", _("to the new address: please confirm it")
        OLD_ADDRESS = "old_address", _("to the old address: please agree to the change")

    kind = models.CharField(max_length=12, choices=Kind)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="letters")
    # In whose name and look it is written. A confirmation may ask for others, too.
    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="+")
    subscription = models.ForeignKey(
        Subscription, null=True, on_delete=models.CASCADE, related_name="letters"
    )
    change = models.ForeignKey(
        "subscribers.AddressChange", null=True, on_delete=models.CASCADE, related_name="letters"
    )
    due_at = models.DateTimeField(null=True)  # empty: sent, or given up
    asked_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    # For what it asks, or what it tells of: "subscription.generation", as in its link.
    covers = models.JSONField(default=list)

    objects = LetterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "newsletter", "kind"],
                condition=Q(due_at__isnull=False),
                name="one_due_letter_of_a_kind",
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="due_letters"),
            models.Index(fields=["sent_at"], condition=Q(sent_at__isnull=False), name="sent_letters"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.pk})"


class LetterText(models.Model):
    """An editor's own words for one kind of letter, in one language. What is empty is said in our words."""

    # These a newsletter may write itself; the others say what must be said.
    KINDS = (
        Letter.Kind.CONFIRMATION,
        Letter.Kind.REMINDER,
        Letter.Kind.WELCOME,
        Letter.Kind.KNOWN,
        Letter.Kind.GOODBYE,
    )

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="letter_texts")
    kind = models.CharField(_("mail"), max_length=12, choices=[(kind.value, kind.label) for kind in KINDS])
    language = models.CharField(_("language"), max_length=12, blank=True, default="")
    subject = models.CharField(_("subject"), max_length=200, blank=True, validators=[one_line])
    heading = models.CharField(_("heading"), max_length=200, blank=True, validators=[one_line])
    body = models.TextField(_("text"), blank=True)  # as it was typed: newsletter.rendering.letter.html_of
    button = models.CharField(_("words on the button"), max_length=60, blank=True, validators=[one_line])

    class Meta:
        verbose_name = _("mail to readers")
        verbose_name_plural = _("mails to readers")
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "kind", "language"], name="one_text_per_letter")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.language})"
