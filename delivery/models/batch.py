from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING

from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from delivery.models.dispatch import Dispatch

if TYPE_CHECKING:
    from datetime import timedelta

# Take the first ready batch: one statement, so that whoever comes second finds the next one. On PostgreSQL workers that
# meet at a row step over it instead of waiting for each other; SQLite has one writer at a time, and no such word.
CLAIM = """
UPDATE delivery_batch
SET state = 'claimed', mailer = %(mailer)s, fence = fence + 1, tries = tries + 1, lease_until = {now_plus}
WHERE state = 'ready' AND id = (
    SELECT batch.id FROM delivery_batch AS batch
    WHERE batch.dispatch_id = %(dispatch)s AND batch.state = 'ready'
      AND (batch.not_before IS NULL OR batch.not_before <= {now})
      AND (batch.pinned_to = %(mailer)s OR (batch.pinned_to = '' AND NOT %(only_pinned)s))
      AND NOT EXISTS (
          SELECT 1 FROM delivery_mailerstate AS state
          WHERE state.alias = %(mailer)s AND state.not_before > {now}
      )
      AND %(at_once)s > (
          SELECT COUNT(*) FROM delivery_batch AS other
          WHERE other.mailer = %(mailer)s AND other.state IN ('claimed', 'submitting')
      )
      AND EXISTS (
          SELECT 1 FROM delivery_dispatch AS dispatch
          WHERE dispatch.id = %(dispatch)s AND dispatch.state = 'sending'
            AND (dispatch.not_before IS NULL OR dispatch.not_before <= {now})
      )
    ORDER BY batch.number LIMIT 1 {skip_locked}
)
RETURNING id, number, pinned_to, fence, tries
"""
DIALECTS = {
    "postgresql": {
        "now": "STATEMENT_TIMESTAMP()",
        "now_plus": "STATEMENT_TIMESTAMP() + %(seconds)s * INTERVAL '1 second'",
        "skip_locked": "FOR UPDATE SKIP LOCKED",
    },
    "sqlite": {
        "now": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')",
        "now_plus": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', %(seconds)s || ' seconds')",
        "skip_locked": "",
    },
}


class BatchQuerySet(models.QuerySet["Batch"]):
    def live(self) -> BatchQuerySet:
        """In some worker's hands."""
        return self.filter(state__in=[Batch.State.CLAIMED, Batch.State.SUBMITTING])

    def open(self) -> BatchQuerySet:
        """Not settled yet."""
        return self.exclude(state=Batch.State.DONE)

    def held_back(self) -> BatchQuerySet:
        """Nobody has touched them yet, nor will before their time: the minute in which it can be taken back."""
        return self.filter(state=Batch.State.READY, fence=0, not_before__gt=Now())

    def ready(self, dispatch_id: int) -> BatchQuerySet:
        """What may be handed over now, as far as the dispatch is concerned; its mailer may have reasons of its own."""
        due = Q(not_before__isnull=True) | Q(not_before__lte=Now())
        may_go = Q(dispatch__not_before__isnull=True) | Q(dispatch__not_before__lte=Now())
        return self.filter(
            due,
            may_go,
            dispatch_id=dispatch_id,
            state=Batch.State.READY,
            dispatch__state=Dispatch.State.SENDING,
        )

    def claim(
        self, dispatch_id: int, *, mailer: str, lease: timedelta, at_once: int, only_pinned: bool = False
    ) -> Batch | None:
        """Take the next ready batch of a dispatch for this mailer, unless it asked to be left alone, or so many are in
        workers' hands already.

        About so many: workers that look at the same moment may be one or two above it.
        """
        statement = CLAIM.format(**DIALECTS[connection.vendor])
        given: dict[str, int | float | str] = {
            "dispatch": dispatch_id,
            "mailer": mailer,
            "seconds": lease.total_seconds(),
            "at_once": at_once,
            "only_pinned": only_pinned,
        }
        with connection.cursor() as cursor:
            cursor.execute(statement, given)
            row = cursor.fetchone()
        if row is None:
            return None
        pk, number, pinned_to, fence, tries = row
        return Batch(
            pk=pk,
            dispatch_id=dispatch_id,
            number=number,
            state=Batch.State.CLAIMED,
            mailer=mailer,
            pinned_to=pinned_to,
            fence=fence,
            tries=tries,
        )

    def cut(self, dispatch: Dispatch, numbers: range, *, cause: Batch.Cause) -> None:
        """New batches with these numbers; a thousand at a time, for there may be very many."""
        for some in batched(numbers, 1000):
            self.bulk_create(Batch(dispatch=dispatch, number=number, cause=cause) for number in some)

    def held(self, batch: Batch, *, state: Batch.State) -> BatchQuerySet:
        """The batch, if it is still ours: same fence, same state. A zombie that wakes after its lease finds nothing."""
        return self.filter(pk=batch.pk, fence=batch.fence, state=state)

    def unlocked(self) -> BatchQuerySet:
        """Locked by us, in a transaction; without those whose rows somebody else holds.

        A process that is frozen in the middle of a transaction must not stop a sweep, and with it everybody.
        """
        free = self.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True)
        return self.filter(pk__in=list(free))

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

    class Cause(models.TextChoices):
        AUDIENCE = "", _("the audience")
        HALVED = "halved", _("half of a refused batch")
        RETRY = "retry", _("failed readers, tried again")
        AGAIN = "again", _("uncertain readers, sent again")

    dispatch = models.ForeignKey(Dispatch, on_delete=models.PROTECT, related_name="batches")
    number = models.PositiveIntegerField()
    cause = models.CharField(max_length=10, choices=Cause, blank=True, default=Cause.AUDIENCE)
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    mailer = models.CharField(max_length=50, blank=True, default="")  # by which it was claimed last
    # A doubt that the provider itself can clear is repeated with the same key, and so by the same mailer or by none.
    pinned_to = models.CharField(max_length=50, blank=True, default="")
    fence = models.PositiveIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)  # workers that died before they had spoken
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
    mailer = models.CharField(max_length=50, default="bulk")  # by which it was handed over
    domain = models.CharField(max_length=255, blank=True, default="")  # of the sender; warm-up counts by it
    # For a provider that honours keys: it knows a call that is repeated with the same key and the same bytes. What the
    # bytes are made of (addresses, links) is kept until the answer is clear, and no longer.
    key = models.CharField(max_length=64, blank=True, default="")
    recipients = models.JSONField(null=True)
    repeats = models.PositiveIntegerField(default=0)
    fingerprint = models.CharField(max_length=64, blank=True, default="")  # sha256 of what was said
    readers = models.PositiveIntegerField(default=0)  # how many are in it; who surely was not is taken off
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.OPEN, blank=True)
    detail = models.TextField(blank=True)
    accepted = models.PositiveIntegerField(default=0)  # readers
    refused = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "fence"], name="one_attempt_per_claim")]
        indexes = [
            models.Index(fields=["mailer", "started_at"], name="attempts_by_mailer"),
            models.Index(fields=["domain", "started_at"], name="attempts_by_domain"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.fence} {self.outcome or 'open'}"
