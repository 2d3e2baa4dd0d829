from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from newsletter.models import Issue

if TYPE_CHECKING:
    from collections.abc import Iterable

# All who leave by one issue add to the same row. On PostgreSQL its lock is given back without a wait for the disk: a
# power cut may cost a count of the last moment, and no leaving (those are written down before).
COUNT_LEFT = {
    "postgresql": """
        UPDATE delivery_dispatch SET readers_left = readers_left + 1
        FROM (SELECT SET_CONFIG('synchronous_commit', 'off', TRUE)) AS at_once
        WHERE id = %s
    """,
    "sqlite": "UPDATE delivery_dispatch SET readers_left = readers_left + 1 WHERE id = %s",
}


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    def move(
        self, dispatch_id: int, *, to: Dispatch.State, allowed: Iterable[Dispatch.State], **changes: object
    ) -> bool:
        """One arrow of the state machine. False: it was not in an allowed state, so somebody else was first."""
        waiting = self.filter(pk=dispatch_id, state__in=list(allowed))
        return waiting.update(state=to, state_since=Now(), **changes) == 1

    def count_left(self, dispatch_id: int) -> None:
        """One more reader left by a link of it. Not in a transaction: what else it says would not wait for the disk."""
        with connection.cursor() as cursor:
            cursor.execute(COUNT_LEFT[connection.vendor], [dispatch_id])


class Dispatch(models.Model):
    """One sending of one issue to one frozen audience, with the frozen copy of what goes out."""

    class State(models.TextChoices):
        PREPARING = "preparing", _("preparing")
        SENDING = "sending", _("going out")
        PAUSED = "paused", _("paused")
        STOPPED = "stopped", _("stopped")
        SENT = "sent", _("gone out")

    class Audience(models.TextChoices):
        EVERYONE = "everyone", _("all its readers")
        REST = "rest", _("those who did not get it before it was stopped")
        CORRECTION = "correction", _("those who got the version before")

    issue = models.ForeignKey(Issue, on_delete=models.PROTECT, related_name="dispatches")
    audience = models.CharField(max_length=20, choices=Audience, default=Audience.EVERYONE)
    # Of which dispatch these readers were: the rest of it goes to whom it did not reach, a correction to whom it did.
    after = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="followers"
    )
    note = models.TextField(blank=True)  # what the editor says above a correction
    state = models.CharField(max_length=10, choices=State, default=State.PREPARING)
    state_since = models.DateTimeField(db_default=Now())
    reason = models.TextField(blank=True)  # why it is paused, in words for the editor
    # An allowance is used up; or, of what follows a stop, until when it can be taken back.
    not_before = models.DateTimeField(null=True, blank=True)
    mailer = models.CharField(max_length=50)
    batch_size = models.PositiveIntegerField()
    audience_size = models.PositiveIntegerField(
        null=True
    )  # deliveries made; null until the audience is frozen
    # Of these, those whom it was for: the others are skipped from the start, each with the reason. Null: frozen before
    # this was kept.
    mailable = models.PositiveIntegerField(null=True)
    # The frozen copy: later edits change the web page, not the mails in flight.
    subject = models.CharField(max_length=200)
    sender = models.CharField(max_length=400)
    reply_to = models.CharField(max_length=254, blank=True)
    html = models.TextField()
    text = models.TextField()
    # By slot of html and text: the reader's field that goes there, and what stands there where it is not known.
    merges = models.JSONField(default=dict)
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
            models.UniqueConstraint(
                fields=["issue"], condition=Q(audience="everyone"), name="one_dispatch_to_everyone_per_issue"
            ),
            models.UniqueConstraint(fields=["after", "audience"], name="one_rest_and_one_correction_each"),
            models.CheckConstraint(
                condition=Q(audience="everyone", after=None)
                | ~Q(audience="everyone") & Q(after__isnull=False),
                name="rest_and_correction_come_after",
            ),
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
    def readers(self) -> int:
        """As an editor counts them: to so many it was to go."""
        return (self.audience_size or 0) if self.mailable is None else self.mailable

    @property
    def is_running(self) -> bool:
        return self.state in {Dispatch.State.PREPARING, Dispatch.State.SENDING}
