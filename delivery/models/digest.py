from __future__ import annotations

from django.db import models
from django.db.models import Q

from newsletter.models import Issue, IssueQuerySet, Newsletter


class DigestQuerySet(models.QuerySet["Digest"]):
    def open(self) -> DigestQuerySet:
        """The next one of each newsletter that has any."""
        return self.filter(settled_at=None)


class Digest(models.Model):
    """One newsletter's digest of one week: planned for its time, and settled once it is written or found needless."""

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="digests")
    week = models.DateField()  # its Monday, by the newsletter's own calendar
    at = models.DateTimeField()  # when it is due; it tells of what came out until then …
    since = models.DateTimeField(null=True)  # … and after this; null as long as it is not settled
    # Null: there was nothing to tell, or nobody to tell it to; or it was not sent, and somebody has deleted it.
    issue = models.OneToOneField(Issue, null=True, on_delete=models.SET_NULL, related_name="digest")
    settled_at = models.DateTimeField(null=True)

    objects = DigestQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "week"], name="one_digest_a_week"),
            models.UniqueConstraint(
                fields=["newsletter"], condition=Q(settled_at__isnull=True), name="one_next_digest"
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True) | Q(since__isnull=False),
                name="settled_digest_knows_its_week",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter_id}, week of {self.week}"

    @property
    def issues(self) -> IssueQuerySet:
        """What it tells of, the newest first."""
        those = Issue.objects.on_site().filter(newsletter=self.newsletter_id, kind=Issue.Kind.ISSUE)
        return those.filter(published_at__gt=self.since, published_at__lte=self.at)
