from __future__ import annotations

from django.db import models

from newsletter.models import Newsletter


class ReaderDay(models.Model):
    """How a newsletter's readership stood at the end of a day of its own calendar; today's row moves on."""

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    active = models.PositiveIntegerField()
    joined = models.PositiveIntegerField()  # confirmed that day
    left = models.PositiveIntegerField()  # unsubscribed that day

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["newsletter", "day"], name="one_row_per_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.active}"
