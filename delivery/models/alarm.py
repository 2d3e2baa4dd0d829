from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from delivery.models.dispatch import Dispatch
from newsletter.models import Issue, Newsletter

if TYPE_CHECKING:
    from datetime import timedelta


class AlarmQuerySet(models.QuerySet["Alarm"]):
    def open(self) -> AlarmQuerySet:
        """Of troubles that are not over."""
        return self.filter(cleared_at=None)

    def unsent(self) -> AlarmQuerySet:
        """Whose mail is to go out now."""
        is_due = Q(mail_due_at=None) | Q(mail_due_at__lte=Now())
        return self.open().filter(is_due, mailed_at=None)

    def take(self, alarm: Alarm, *, lease: timedelta) -> bool:
        """Of all who would mail it, one may, and for so long nobody else."""
        return self.unsent().filter(pk=alarm.pk).update(mail_due_at=Now() + lease) == 1


class Alarm(models.Model):
    """Something that a person must hear of: raised once, mailed once, cleared when it is over."""

    class Kind(models.TextChoices):
        STALLED = "stalled", _("stands still")
        NOT_STARTED = "not_started", _("has not started")
        MISSED = "missed", _("missed its time")
        REFUSED = "refused", _("could not be sent")
        PAUSED = "paused", _("paused by itself")
        UNCERTAIN = "uncertain", _("has uncertain readers")
        # Of a newsletter, and no one issue of it.
        NOT_WRITTEN = "not_written", _("its weekly digest was not written")
        SIEGE = "siege", _("far more sign-ups than usual")
        BURST = "burst", _("many readers left at once")

    kind = models.CharField(max_length=12, choices=Kind)
    issue = models.ForeignKey(Issue, null=True, on_delete=models.CASCADE, related_name="alarms")
    newsletter = models.ForeignKey(Newsletter, null=True, on_delete=models.CASCADE, related_name="alarms")
    dispatch = models.ForeignKey(Dispatch, null=True, on_delete=models.CASCADE, related_name="alarms")
    text = models.TextField()  # a sentence, without anybody's address
    since = models.DateTimeField()
    raised_at = models.DateTimeField(db_default=Now())
    mail_due_at = models.DateTimeField(null=True)  # while somebody is at it, and after a mail that failed
    mailed_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["issue", "kind"],
                condition=Q(cleared_at=None, dispatch=None),
                name="one_open_alarm_of_an_issue",
            ),
            models.UniqueConstraint(
                fields=["dispatch", "kind"],
                condition=Q(cleared_at=None, dispatch__isnull=False),
                name="one_open_alarm_of_a_dispatch",
            ),
            models.UniqueConstraint(
                fields=["newsletter", "kind"],
                condition=Q(cleared_at=None, newsletter__isnull=False),
                name="one_open_alarm_of_a_newsletter",
            ),
            models.CheckConstraint(
                condition=Q(issue__isnull=True, dispatch__isnull=True, newsletter__isnull=False)
                | Q(issue__isnull=False, newsletter__isnull=True),
                name="alarm_of_an_issue_or_a_newsletter",
            ),
        ]
        indexes = [models.Index(fields=["raised_at"], condition=Q(cleared_at=None), name="open_alarms")]

    def __str__(self) -> str:
        return f"{self.where} {self.kind}"

    @property
    def whose(self) -> Newsletter:
        found = self.issue.newsletter if self.issue else self.newsletter
        if found is None:
            raise ValueError  # it has one of the two: a constraint of the database
        return found

    @property
    def where(self) -> str:
        """In the log: daily/tides, or daily."""
        slugs = [self.whose.slug, self.issue.slug] if self.issue else [self.whose.slug]
        return "/".join(slugs)
