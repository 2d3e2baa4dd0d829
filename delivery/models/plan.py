from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from newsletter.models import Issue

if TYPE_CHECKING:
    from datetime import timedelta

    from django.contrib.auth.models import User


class PlanQuerySet(models.QuerySet["Plan"]):
    def open(self) -> PlanQuerySet:
        """What is asked for or approved, and neither carried out nor taken back. At most one for each issue."""
        return self.filter(ended_at=None)

    def end(self, *, because: str, by: User | None = None, news: str = "") -> bool:
        """Once, whoever else ends it in the same moment: the row count decides."""
        due = Now() if news else None
        return bool(
            self.open().update(ended_at=Now(), ended_because=because, ended_by=by, news=news, news_due_at=due)
        )

    def with_news(self) -> PlanQuerySet:
        """Of which somebody is to be told now."""
        return self.filter(news_due_at__lte=Now())

    def take_news(self, plan: Plan, *, lease: timedelta) -> bool:
        """Of all who would tell of it, one may, and for so long nobody else."""
        return self.with_news().filter(pk=plan.pk, news=plan.news).update(news_due_at=Now() + lease) == 1


class Plan(models.Model):
    """To send this text at this time: who asked, and who approved exactly that. An edit that matters ends it."""

    class News(models.TextChoices):
        """What is to be told by mail, and is not yet."""

        ASKED = "asked"
        APPROVED = "approved"
        ENDED = "ended"

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="plans")
    content_hash = models.CharField(max_length=64)  # faces.fingerprint of the issue
    # Null: a minute after it is approved; with the approval the moment is written down.
    at = models.DateTimeField(null=True)
    readers = models.PositiveIntegerField()  # as many as there were when it was asked for
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)  # it has been carried out, taken back, or voided by an edit
    ended_because = models.TextField(blank=True)  # in words
    news = models.CharField(max_length=10, choices=News, blank=True, default="")
    news_due_at = models.DateTimeField(null=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["issue"], condition=Q(ended_at__isnull=True), name="one_open_plan_per_issue"
            ),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True) | Q(at__isnull=False), name="approved_plan_has_a_time"
            ),
        ]
        indexes = [
            models.Index(
                fields=["news_due_at"], condition=Q(news_due_at__isnull=False), name="plans_to_be_told_of"
            )
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} at {self.at}"
