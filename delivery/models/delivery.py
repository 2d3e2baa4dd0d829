from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from delivery.models.batch import Attempt, Batch
from delivery.models.dispatch import Dispatch
from subscribers.models import Subscription, Suppression

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


# Every reader with an id of their own, in one statement.
ACCEPT_EACH = {
    "postgresql": """
        UPDATE delivery_delivery AS delivery
        SET state = 'accepted', reason = '', detail = '', provider_id = LEFT(given.value, 200),
            settled_at = STATEMENT_TIMESTAMP()
        FROM JSON_EACH_TEXT(%(ids)s) AS given
        WHERE delivery.id = given.key::bigint AND delivery.batch_id = %(batch)s
          AND delivery.attempt_id = %(attempt)s AND delivery.state IN ('in_flight', 'uncertain')
    """,
    "sqlite": """
        UPDATE delivery_delivery
        SET state = 'accepted', reason = '', detail = '', provider_id = SUBSTR(given.value, 1, 200),
            settled_at = STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')
        FROM JSON_EACH(%(ids)s) AS given
        WHERE delivery_delivery.id = CAST(given.key AS INTEGER) AND batch_id = %(batch)s
          AND attempt_id = %(attempt)s AND state IN ('in_flight', 'uncertain')
    """,
}
# As it is asked for each one-click unsubscribe: what the ORM needs to put it together costs more than the question.
HANDED_OVER = """
SELECT attempt.id, attempt.started_at
  FROM delivery_delivery AS delivery JOIN delivery_attempt AS attempt ON attempt.id = delivery.attempt_id
 WHERE delivery.dispatch_id = %s AND delivery.subscription_id = %s
"""


def _is_suppressed() -> Exists:
    address = OuterRef("subscription__subscriber__address_key")
    return Exists(Suppression.objects.filter(address_key=address))


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting_in(
        self, batch: Batch, *, with_facts: bool = False
    ) -> models.QuerySet[Delivery, tuple[Any, ...]]:
        """Who in the batch still waits: delivery, subscription, its status, the address, whether it is suppressed.

        With facts, also the first name and the newsletter's own fields.
        """
        waiting = self.filter(batch=batch, state=Delivery.State.PENDING).order_by("pk")
        reader = ("subscription__status", "subscription__subscriber__email")
        facts = ("subscription__subscriber__first_name", "subscription__fields") if with_facts else ()
        return waiting.values_list("pk", "subscription_id", *reader, _is_suppressed(), *facts)

    def waiting_and_wanted(self, batch: Batch) -> DeliveryQuerySet:
        """Who in the batch still waits for the issue and still wants it. Without joins: an update finds rows once."""
        suppressed = Suppression.objects.filter(address_key=OuterRef("subscriber__address_key"))
        wanting = Subscription.objects.filter(
            ~Exists(suppressed), pk=OuterRef("subscription_id"), status=Subscription.Status.ACTIVE
        )
        return self.filter(Exists(wanting), batch=batch, state=Delivery.State.PENDING)

    def handed_over_at(self, dispatch_id: int, subscription_id: int) -> datetime | None:
        """When the last hand-over of this copy began; None where there was none."""
        found = Attempt.objects.raw(HANDED_OVER, [dispatch_id, subscription_id])
        return next((attempt.started_at for attempt in found), None)

    def of(self, attempt: Attempt) -> DeliveryQuerySet:
        """Handed over in this attempt. Found by the batch, which has an index; the attempt has none."""
        return self.filter(batch_id=attempt.batch_id, attempt=attempt)

    def accept(self, ids: Mapping[int, str], *, attempt: Attempt, is_everybody: bool) -> None:
        """Note the provider's message id of each; those of `self`, which are of this attempt."""
        accepted = {"state": Delivery.State.ACCEPTED, "reason": "", "detail": "", "settled_at": Now()}
        if len(set(ids.values())) > 1:
            with connection.cursor() as cursor:
                cursor.execute(
                    ACCEPT_EACH[connection.vendor],
                    {"ids": json.dumps(ids), "batch": attempt.batch_id, "attempt": attempt.pk},
                )
        elif ids:
            those = self if is_everybody and len(ids) == attempt.readers else self.filter(pk__in=list(ids))
            those.update(**accepted, provider_id=next(iter(ids.values()))[:200])

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
        WEEKLY = "weekly", _("wants one mail a week, the digest")
        WEEKEND = "weekend", _("wants no issues on weekends")
        ERASED = "erased", _("deleted by the reader")
        STOPPED = "stopped", _("the sending was stopped")
        REFUSED = "refused", _("the provider refused this address")
        PUT_OFF = "put_off", _("the provider kept putting it off")
        NO_ANSWER = "no_answer", _("the provider never answered")
        WORKER_LOST = "worker_lost", _("the worker died during the hand-over")
        KEY_EXPIRED = "key_expired", _("the provider could not be asked again in time")

    # No constraint of the database, and no index, where neither earns its cost on a million rows: a dispatch, its
    # batches and their attempts are written before their deliveries, in the same transaction, and never deleted. The
    # attempt changes with every hand-over; without an index on it PostgreSQL can write the row's new version in place.
    # A subscription that is deleted while the audience is frozen may leave its number behind: it counts as erased.
    dispatch = models.ForeignKey(
        Dispatch, on_delete=models.PROTECT, related_name="deliveries", db_constraint=False, db_index=False
    )
    # Empty after erasure: the counts stay, the person does not.
    subscription = models.ForeignKey(
        Subscription, null=True, on_delete=models.SET_NULL, related_name="deliveries", db_constraint=False
    )
    batch = models.ForeignKey(
        Batch, null=True, on_delete=models.PROTECT, related_name="deliveries", db_constraint=False
    )
    attempt = models.ForeignKey(
        Attempt,
        null=True,
        on_delete=models.PROTECT,
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
    )
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
