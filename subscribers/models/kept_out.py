from __future__ import annotations

from django.db import models

from newsletter.models import Newsletter


class KeptOut(models.Model):
    """A reader left a newsletter, and all we held of them was deleted since: an import must not bring them back.

    Their own sign-up does, once they confirm it. (Who may not be mailed by anybody is a Suppression.)
    """

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="+")
    address_key = models.CharField(max_length=64)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["newsletter", "address_key"], name="kept_out_once")]

    def __str__(self) -> str:
        return f"{self.newsletter_id}: {self.address_key[:8]}…"
