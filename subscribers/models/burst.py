from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.models import Newsletter


class Burst(models.Model):
    """Many readers left from one network within minutes: a mail scanner that presses buttons, most likely."""

    class State(models.TextChoices):
        OPEN = "open", _("to be looked at")
        REVERSED = "reversed", _("brought back")
        DISMISSED = "dismissed", _("they meant it")

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="bursts")
    network = models.CharField(_("network"), max_length=45)
    began_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("until"))  # moves on while it lasts
    readers = models.PositiveIntegerField(_("readers"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-began_at", "-pk"]
        indexes = [models.Index(fields=["newsletter", "state"], name="bursts_by_state")]

    def __str__(self) -> str:
        return f"{self.network}: {self.readers}"
