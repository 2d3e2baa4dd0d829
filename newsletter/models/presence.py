from __future__ import annotations

from django.conf import settings
from django.db import models

from newsletter.models.issue import Issue


class Presence(models.Model):
    """Somebody has an issue open in one tab of a browser. Tabs tell so every few seconds; old rows mean nothing."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="presences")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    tab = models.CharField(max_length=36)  # made by chance when the form is opened
    opened_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issue", "tab"], name="one_presence_per_tab")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.issue_id}"
