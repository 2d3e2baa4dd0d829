from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from newsletter.models.newsletter import Newsletter
from newsletter.models.picture import Picture
from newsletter.validators import one_line, refuse_reserved_issue_slug


class IssueQuerySet(models.QuerySet["Issue"]):
    def public(self) -> IssueQuerySet:
        """What the web lists: sent issues that everybody may find, newest first, without what repeats them."""
        return self.on_site().filter(visibility=Issue.Visibility.PUBLIC, kind=Issue.Kind.ISSUE)

    def on_site(self) -> IssueQuerySet:
        """What has a page, whoever may see it: sent issues, newest first."""
        return self.filter(status=Issue.Status.SENT).order_by("-published_at", "-pk")

    def due(self, *, since: timedelta = timedelta()) -> IssueQuerySet:
        """Whose time has come, that long ago, by the database's clock: each machine has another."""
        waiting = self.filter(status=Issue.Status.SCHEDULED, scheduled_at__lte=Now() - since)
        return waiting.order_by("scheduled_at", "pk")


class Issue(models.Model):
    """One edition of a newsletter: a web page and a mail from the same source."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        SCHEDULED = "scheduled", _("scheduled")
        SENT = "sent", _("sent")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Kind(models.TextChoices):
        ISSUE = "issue", _("issue")
        DIGEST = "digest", _("weekly digest")

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("public: in the archive, for search engines and the feed")
        UNLISTED = "unlisted", _("unlisted: for everybody who has its address")
        READERS = "readers", _("readers only: for whoever opens it from their mail")

    # What an editor writes, and a revision keeps.
    CONTENT = (
        "subject",
        "slug",
        "preheader",
        "authors",
        "tags",
        "visibility",
        "cover",
        "cover_alt",
        "body",
    )

    newsletter = models.ForeignKey(Newsletter, on_delete=models.PROTECT, related_name="issues")
    subject = models.CharField(
        _("subject"),
        max_length=200,
        validators=[one_line],
        help_text=_("The subject of the mail and the title of the page."),
    )
    slug = models.SlugField(
        _("address on the site"),
        max_length=100,
        validators=[refuse_reserved_issue_slug],
        help_text=_("The issue lives at /newsletter/this-name/."),
    )
    preheader = models.CharField(
        _("preheader"),
        max_length=200,
        blank=True,
        validators=[one_line],
        help_text=_("The line that inboxes show after the subject."),
    )
    authors = models.CharField(_("authors"), max_length=200, blank=True, validators=[one_line])
    tags = models.CharField(
        _("tags"),
        max_length=200,
        blank=True,
        validators=[one_line],
        help_text=_("With commas between them, like: sea, weather."),
    )
    visibility = models.CharField(
        _("who may read it on the web"), max_length=10, choices=Visibility, default=Visibility.PUBLIC
    )
    cover = models.ForeignKey(
        Picture,
        verbose_name=_("cover picture"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Above the text, and where the issue is shared."),
    )
    cover_alt = models.CharField(_("what the cover shows"), max_length=300, blank=True, validators=[one_line])
    body = models.TextField(_("body"), blank=True)
    # A digest is written by Courant itself out of the week's issues, for those who asked for one mail a week.
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.ISSUE, editable=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    scheduled_at = models.DateTimeField(null=True, blank=True, editable=False)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    # Who wrote what stands there now; the second pair of eyes must be another's.
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    objects = IssueQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "slug"], name="one_issue_per_address"),
            models.CheckConstraint(
                condition=~Q(status="scheduled") | Q(scheduled_at__isnull=False),
                name="scheduled_issue_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="sent") | Q(published_at__isnull=False),
                name="sent_issue_has_a_publication_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["newsletter", "-published_at"], condition=Q(status="sent"), name="public_issues"
            ),
            models.Index(fields=["-created_at", "-id"], name="issues_newest_first"),
            models.Index(fields=["scheduled_at"], condition=Q(status="scheduled"), name="due_issues"),
        ]

    def __str__(self) -> str:
        return self.subject

    def get_absolute_url(self) -> str:
        return reverse("newsletter:issue", args=[self.newsletter.slug, self.slug])

    @property
    def tag_list(self) -> list[str]:
        return [tag for tag in (each.strip() for each in self.tags.split(",")) if tag]
