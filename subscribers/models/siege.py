from __future__ import annotations

from django.db import models
from django.db.models import Q

from newsletter.models import Newsletter


class Siege(models.Model):
    """A time in which far more sign-ups came than a newsletter usually has: everybody must solve a riddle then."""

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="sieges")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField()  # when there were too many for the last time
    usual = models.PositiveIntegerField()  # as many in ten minutes as are taken for usual
    most = models.PositiveIntegerField()  # as many as came in the worst ten minutes

    class Meta:
        ordering = ["-began_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["newsletter"], condition=Q(ended_at__isnull=True), name="one_siege_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.newsletter_id}: {self.began_at:%Y-%m-%d %H:%M}"
