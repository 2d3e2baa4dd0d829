from __future__ import annotations

from django.conf import settings
from django.db import models

from newsletter.models import Issue


class Acceptance(models.Model):
    """Somebody has seen one warning and accepted it by name.

    `mark` is a hash of what was found, so that it says nothing about what is found after an edit that matters.
    """

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="acceptances")
    code = models.CharField(max_length=40)
    mark = models.CharField(max_length=64)
    words = models.TextField()  # the warning as it was read
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    accepted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issue", "code", "mark"], name="one_acceptance_per_finding")
        ]

    def __str__(self) -> str:
        return f"{self.code} of {self.issue_id}"
