from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.models.newsletter import Newsletter


class Member(models.Model):
    """One person's part in the team of one newsletter. What each role may do is said in newsletter/team.py."""

    class Role(models.TextChoices):
        WRITER = "writer", _("writer")
        EDITOR = "editor", _("editor")
        PUBLISHER = "publisher", _("publisher")

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("person"),
        on_delete=models.CASCADE,
        related_name="memberships",
    )
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.WRITER)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("team member")
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "user"], name="one_role_per_newsletter_and_person")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"
