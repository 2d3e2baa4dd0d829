from __future__ import annotations

from django.conf import settings
from django.db import models

from delivery.models.dispatch import Dispatch


class Wording(models.Model):
    """What is to be said over a correction, where a newsletter asks for a second person: written down by one, so that
    another reads and sends exactly this."""

    after = models.OneToOneField(Dispatch, on_delete=models.CASCADE, related_name="wording")
    subject = models.CharField(max_length=200)
    note = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    saved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.subject} (after {self.after_id})"
