from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from newsletter.models import Issue


class Proof(models.Model):
    """A test mail: an issue as it stood, sent to a few addresses to be looked at.

    Not in the ledger: nobody of them is a reader.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("on its way")
        SPEAKING = "speaking", _("on its way")
        SENT = "sent", _("taken by the provider")
        FAILED = "failed", _("not sent")
        UNCERTAIN = "uncertain", _("may have gone out")

    DELETED = "(deleted)"  # in the place of an address whose owner was deleted

    # Null: it was deleted since. Its tests count still, or a person could send as many as they like.
    issue = models.ForeignKey(Issue, null=True, on_delete=models.SET_NULL, related_name="proofs")
    content_hash = models.CharField(max_length=64)  # faces.fingerprint: after an edit the test is stale
    addresses = models.JSONField()  # a list
    # Whose first name and fields it shows; null: somebody of whom nothing is known.
    reader = models.ForeignKey(
        "subscribers.Subscription", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    detail = models.TextField(blank=True)  # what the provider said
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    spoken_at = models.DateTimeField(null=True)  # when it was about to leave
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        indexes = [
            models.Index(
                fields=["asked_at"], condition=Q(state__in=["waiting", "speaking"]), name="open_proofs"
            )
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} ({self.state})"
