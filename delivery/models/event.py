from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from delivery.models.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable


class EventQuerySet(models.QuerySet["Event"]):
    def unprocessed(self) -> EventQuerySet:
        return self.filter(processed_at__isnull=True)

    def evidence_of(self, delivery_ids: Iterable[int]) -> dict[int, str]:
        """What the provider has told of each of these deliveries, oldest first; nothing of whom it said nothing."""
        told: dict[int, str] = {}
        ours = self.filter(delivery__in=list(delivery_ids), processed_at__isnull=False, problem="")
        for event in ours.order_by("pk"):
            before = told.get(event.delivery_id or 0)
            told[event.delivery_id or 0] = f"{before}; {event.in_words}" if before else event.in_words
        return told


class Event(models.Model):
    """What a provider told of one mail, in its webhook. Of the reader's address only the keyed hash is kept."""

    class Kind(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent on")
        DEFERRED = "deferred", _("put off")
        DELIVERED = "delivered", _("delivered")
        SOFT_BOUNCED = "soft_bounced", _("bounced, for now")
        HARD_BOUNCED = "hard_bounced", _("bounced: the address does not exist")
        REJECTED = "rejected", _("not sent on by the provider")
        FAILED = "failed", _("could not be sent on")
        AUTORESPONDED = "autoresponded", _("answered by a machine")
        OPENED = "opened", _("opened")
        CLICKED = "clicked", _("clicked")
        COMPLAINED = "complained", _("reported as spam")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed at the provider")
        OTHER = "other", _("something else")

    # Providers tell things up to some dozen times: of the same event this is the same.
    key = models.UUIDField(unique=True)
    mailer = models.CharField(max_length=50)
    kind = models.CharField(max_length=16, choices=Kind)
    # As the mail carried it. It may name no delivery of ours: of a copy of this installation, say.
    delivery = models.ForeignKey(
        Delivery,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="events",
        db_constraint=False,
        db_index=False,
    )
    address_key = models.CharField(max_length=64, blank=True, default="")
    reason = models.CharField(max_length=20, blank=True, default="")  # one of Anymail's
    words = models.TextField(blank=True, default="")  # of the reader's mail server
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())
    processed_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True, default="")  # why it has no effect
    raw = models.TextField(blank=True, default="")  # only of what could not be read, without addresses

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["delivery"], condition=Q(delivery__isnull=False), name="events_of_delivery"),
            models.Index(fields=["id"], condition=Q(processed_at__isnull=True), name="unprocessed_events"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.delivery_id})"

    @property
    def in_words(self) -> str:
        said = f"{self.get_kind_display()}, {self.happened_at:%Y-%m-%d %H:%M} UTC"
        return f"{said} ({self.words})" if self.words else said
