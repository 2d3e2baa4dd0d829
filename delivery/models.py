from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from newsletter.models import Issue
from subscribers.models import Subscription, Suppression

if TYPE_CHECKING:
    from collections.abc import Iterable


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    def move(
        self, dispatch_id: int, *, to: Dispatch.State, allowed: Iterable[Dispatch.State], **changes: object
    ) -> bool:
        """One arrow of the state machine. False: it was not in an allowed state, so somebody else was first."""
        return self.filter(pk=dispatch_id, state__in=list(allowed)).update(state=to, **changes) == 1


class Dispatch(models.Model):
    """One sending of one issue to one frozen audience, with the frozen copy of what goes out."""

    class State(models.TextChoices):
        PREPARING = "preparing", _("preparing")
        SENDING = "sending", _("going out")
        PAUSED = "paused", _("paused")
        STOPPED = "stopped", _("stopped")
        SENT = "sent", _("gone out")

    class Audience(models.TextChoices):
        EVERYONE = "everyone", _("every active reader")

    issue = models.ForeignKey(Issue, on_delete=models.PROTECT, related_name="dispatches")
    audience = models.CharField(max_length=20, choices=Audience, default=Audience.EVERYONE)
    state = models.CharField(max_length=10, choices=State, default=State.PREPARING)
    reason = models.TextField(blank=True)  # why it is paused, in words for the editor
    not_before = models.DateTimeField(null=True, blank=True)  # the provider asked every worker to wait
    mailer = models.CharField(max_length=50)
    batch_size = models.PositiveIntegerField()
    audience_size = models.PositiveIntegerField(
        null=True
    )  # deliveries made; null until the audience is frozen
    # The frozen copy: later edits change the web page, not the mails in flight.
    subject = models.CharField(max_length=200)
    sender = models.CharField(max_length=400)
    reply_to = models.CharField(max_length=254, blank=True)
    html = models.TextField()
    text = models.TextField()
    content_hash = models.CharField(max_length=64)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    readers_left = models.PositiveIntegerField(default=0)  # who unsubscribed by a link of this issue

    objects = DispatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "dispatches"
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["issue", "audience"], name="one_dispatch_per_issue_and_audience"),
            models.CheckConstraint(
                condition=Q(state="preparing") | Q(audience_size__isnull=False),
                name="dispatch_has_a_frozen_audience",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(finished_at__isnull=False), name="sent_dispatch_has_an_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} ({self.state})"

    @property
    def is_running(self) -> bool:
        return self.state in {Dispatch.State.PREPARING, Dispatch.State.SENDING}


class BatchQuerySet(models.QuerySet["Batch"]):
    def live(self) -> BatchQuerySet:
        """In some worker's hands."""
        return self.filter(state__in=[Batch.State.CLAIMED, Batch.State.SUBMITTING])

    def open(self) -> BatchQuerySet:
        """Not settled yet."""
        return self.exclude(state=Batch.State.DONE)

    def ready(self, dispatch_id: int) -> BatchQuerySet:
        due = Q(not_before__isnull=True) | Q(not_before__lte=Now())
        may_go = Q(dispatch__not_before__isnull=True) | Q(dispatch__not_before__lte=Now())
        return self.filter(
            due,
            may_go,
            dispatch_id=dispatch_id,
            state=Batch.State.READY,
            dispatch__state=Dispatch.State.SENDING,
        )

    def claim(self, batch_id: int, *, lease: timedelta) -> bool:
        """Take a ready batch. False: another worker was first. No row lock, so the same on SQLite and PostgreSQL."""
        taken = self.filter(pk=batch_id, state=Batch.State.READY).update(
            state=Batch.State.CLAIMED, fence=F("fence") + 1, tries=F("tries") + 1, lease_until=Now() + lease
        )
        return taken == 1

    def held(self, batch: Batch, *, state: Batch.State) -> BatchQuerySet:
        """The batch, if it is still ours: same fence, same state. A zombie that wakes after its lease finds nothing."""
        return self.filter(pk=batch.pk, fence=batch.fence, state=state)

    def abandoned(self, state: Batch.State) -> BatchQuerySet:
        """Whose worker let the lease run out: it died, or it is frozen."""
        return self.filter(state=state, lease_until__lt=Now())


class Batch(models.Model):
    """The part of a dispatch that is handed to the provider in one go."""

    class State(models.TextChoices):
        READY = "ready", _("ready")
        CLAIMED = "claimed", _("being built")
        SUBMITTING = "submitting", _("being handed over")
        DONE = "done", _("settled")

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="batches")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    fence = models.PositiveIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.UniqueConstraint(fields=["dispatch", "number"], name="one_batch_per_number"),
            models.CheckConstraint(
                condition=~Q(state__in=["claimed", "submitting"]) | Q(lease_until__isnull=False),
                name="batch_in_hand_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["dispatch", "number"], condition=Q(state="ready"), name="ready_batches"),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["claimed", "submitting"]),
                name="leased_batches",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch_id}/{self.number} ({self.state})"


class Attempt(models.Model):
    """One hand-over of one batch, committed before its first byte leaves. Results belong to it, however late."""

    class Outcome(models.TextChoices):
        OPEN = "", _("no answer yet")
        ANSWERED = "answered", _("answered")
        NOT_SENT = "not_sent", _("not sent")
        UNCERTAIN = "uncertain", _("uncertain")

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="attempts")
    fence = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.OPEN, blank=True)
    detail = models.TextField(blank=True)
    accepted = models.PositiveIntegerField(default=0)  # readers
    refused = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "fence"], name="one_attempt_per_claim")]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.fence} {self.outcome or 'open'}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def suppressed(self) -> DeliveryQuerySet:
        """Whose address must not be mailed now."""
        address = OuterRef("subscription__subscriber__address_key")
        return self.filter(Exists(Suppression.objects.filter(address_key=address)))

    def waiting_and_wanted(self, ids: Iterable[int]) -> DeliveryQuerySet:
        """Of these, who still waits for the issue and still wants it."""
        address = OuterRef("subscription__subscriber__address_key")
        return self.filter(
            ~Exists(Suppression.objects.filter(address_key=address)),
            pk__in=list(ids),
            state=Delivery.State.PENDING,
            subscription__status=Subscription.Status.ACTIVE,
        )

    def tally(self) -> dict[tuple[str, str], int]:
        """How many deliveries there are by (state, reason); one query."""
        rows = self.order_by().values_list("state", "reason").annotate(count=Count("pk"))
        return {(state, reason): count for state, reason, count in rows}


class Delivery(models.Model):
    """One (dispatch, subscription) row of the ledger: what became of this reader's copy."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        IN_FLIGHT = "in_flight", _("being handed over")
        ACCEPTED = "accepted", _("accepted by the provider")
        FAILED = "failed", _("refused by the provider")
        SKIPPED = "skipped", _("not sent on purpose")
        UNCERTAIN = "uncertain", _("handed over, no answer")

    class Reason(models.TextChoices):
        SUPPRESSED = "suppressed", _("bounced or complained before")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed before it was sent")
        PAUSED = "paused", _("paused by the reader")
        ERASED = "erased", _("deleted by the reader")
        STOPPED = "stopped", _("the sending was stopped")
        REFUSED = "refused", _("the provider refused this address")
        PUT_OFF = "put_off", _("the provider kept putting it off")
        NO_ANSWER = "no_answer", _("the provider never answered")
        WORKER_LOST = "worker_lost", _("the worker died during the hand-over")

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="deliveries")
    # Empty after erasure: the counts stay, the person does not.
    subscription = models.ForeignKey(
        Subscription, null=True, on_delete=models.SET_NULL, related_name="deliveries"
    )
    batch = models.ForeignKey(Batch, null=True, on_delete=models.PROTECT, related_name="deliveries")
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.PROTECT, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    reason = models.CharField(max_length=12, choices=Reason, blank=True, default="")
    detail = models.TextField(blank=True, default="")  # the provider's words
    provider_id = models.CharField(max_length=200, blank=True, default="")
    settled_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["dispatch", "subscription"], name="one_delivery_per_subscription"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "skipped", "uncertain"]) | ~Q(reason=""),
                name="unsent_delivery_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["in_flight", "accepted", "failed", "uncertain"])
                | Q(attempt__isnull=False),
                name="handed_over_delivery_has_an_attempt",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch_id} → {self.subscription_id} ({self.state})"
