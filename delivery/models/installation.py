from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

ONLY = 1


class Installation(models.Model):
    """The one row that says which installation this database belongs to, and whether it may send (delivery.epoch)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    uuid = models.UUIDField(default=uuid.uuid4)
    epoch = models.PositiveIntegerField(
        default=1
    )  # rises each time somebody accepts a restored or moved database
    site_url = models.CharField(max_length=255)
    # Installations whose marks, where there are some left, say nothing about this one: it came after them.
    predecessors = models.JSONField(default=list)
    frozen_since = models.DateTimeField(null=True)
    frozen_reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=ONLY), name="one_installation"),
            models.CheckConstraint(
                condition=Q(frozen_since__isnull=True) | ~Q(frozen_reason=""), name="frozen_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.uuid}, epoch {self.epoch}, {self.site_url}"
