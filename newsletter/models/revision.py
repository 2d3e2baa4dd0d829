from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.models.issue import Issue


class Revision(models.Model):
    """What an issue said after one save, with who and when. `content` holds Issue.CONTENT by field name."""

    class Kind(models.TextChoices):
        SAVED = "saved", _("saved")
        AUTOSAVED = "autosaved", _("saved by itself")
        RESTORED = "restored", _("restored")
        # Of an issue whose changes readers would see at once: written down, but not put into the issue.
        KEPT = "kept", _("kept aside")
        # It was kept aside, and its writer did without it.
        DROPPED = "dropped", _("not used")

    ASIDE = (Kind.KEPT, Kind.DROPPED)  # what the issue itself never said

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()  # from 1, within the issue
    kind = models.CharField(max_length=10, choices=Kind)
    content = models.JSONField()
    content_hash = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["issue", "number"], name="one_revision_per_number")]

    def __str__(self) -> str:
        return f"{self.number}"
