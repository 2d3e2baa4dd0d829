from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.models import Issue


class Answer(models.Model):
    """What a reader said to "was this good?" at an issue's end. The last answer of each reader counts."""

    class Verdict(models.TextChoices):
        GOOD = "good", _("good")
        FAIR = "fair", _("so-so")
        POOR = "poor", _("not good")

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="answers")
    subscription = models.ForeignKey(
        "subscribers.Subscription", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    verdict = models.CharField(max_length=10, choices=Verdict)
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issue", "subscription"], name="one_answer_per_reader_and_issue")
        ]

    def __str__(self) -> str:
        return self.verdict
