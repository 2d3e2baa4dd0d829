from __future__ import annotations

from django.db import models


class CheckedLink(models.Model):
    """What was found when an address was last followed. A cache: any row may be lost."""

    class Outcome(models.TextChoices):
        FINE = "fine"  # it is there, though it may shut its door to robots
        BROKEN = "broken"  # its host says that there is nothing, or there is no such host
        SILENT = "silent"  # no answer in time, or none that says anything: nobody knows
        REFUSED = "refused"  # it leads to a private address: we do not ask there

    url_hash = models.CharField(max_length=64, unique=True)  # sha256, hexadecimal: addresses can be long
    url = models.TextField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    detail = models.CharField(
        max_length=200, blank=True
    )  # a status, or a word (newsletter.linkcheck.probing)
    checked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.url} ({self.outcome})"
