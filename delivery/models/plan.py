from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from newsletter.models import Issue


class Plan(models.Model):
    """To send this text at this time: who asked, and who approved exactly that. An edit that matters ends it."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="plans")
    content_hash = models.CharField(max_length=64)  # faces.fingerprint of the issue
    at = models.DateTimeField(null=True)  # null: a minute after it is approved
    readers = models.PositiveIntegerField()  # as many as there were when it was asked for
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # it has been carried out, taken back, or voided by an edit
    ended_because = models.TextField(blank=True)  # in words

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["issue"], condition=Q(ended_at__isnull=True), name="one_open_plan_per_issue"
            )
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} at {self.at}"
