from __future__ import annotations

import zoneinfo
from datetime import timedelta
from email.headerregistry import Address
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from newsletter.validators import (
    ascii_only,
    one_line,
    refuse_reserved_issue_slug,
    refuse_reserved_newsletter_slug,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def time_zones() -> Iterable[tuple[str, str]]:
    """Every IANA zone, as choices; a callable so that a tzdata update makes no migration."""
    return [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())]


def languages() -> Iterable[tuple[str, str]]:
    """Every language Django knows, as choices; a callable so that a newer Django makes no migration."""
    return sorted(((code, gettext(name)) for code, name in settings.LANGUAGES), key=lambda choice: choice[1])


class Newsletter(models.Model):
    """A publication: its name, sender, look, language and time zone."""

    name = models.CharField(_("name"), max_length=100, validators=[one_line])
    slug = models.SlugField(
        _("address on the site"),
        unique=True,
        validators=[refuse_reserved_newsletter_slug],
        help_text=_("The newsletter lives at /this-name/. Links in old mails need it: choose once."),
    )
    tagline = models.CharField(
        _("strapline"),
        max_length=140,
        blank=True,
        help_text=_("One line below the name and in subscribe boxes."),
    )
    description = models.TextField(
        _("description"), blank=True, help_text=_("A paragraph for the sign-up page.")
    )
    sender_name = models.CharField(_("sender name"), max_length=100, validators=[one_line])
    sender_email = models.EmailField(
        _("sender address"),
        validators=[ascii_only],
        help_text=_("Its domain must be set up (SPF, DKIM, DMARC) at your mail provider."),
    )
    reply_to = models.EmailField(_("answers go to"), blank=True, validators=[ascii_only])
    postal_address = models.CharField(
        _("postal address"),
        max_length=300,
        help_text=_(
            "Name and address of the publisher. The law asks for it in every mail, so Courant puts it there."
        ),
    )
    language = models.CharField(_("language"), max_length=12, choices=languages, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, choices=time_zones, default="UTC")
    accent = models.CharField(
        _("accent colour"),
        max_length=7,
        default="#b3261e",
        validators=[
            RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Write the colour as # and six digits, like #b3261e."))
        ],
    )
    shows_reader_count = models.BooleanField(_("say how many readers trust us"), default=True)
    owners = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owners"),
        blank=True,
        related_name="+",
        limit_choices_to={"is_active": True, "is_staff": True},
        help_text=_(
            "They are told by mail when an issue stands still. Where nobody is chosen, every superuser is told."
        ),
    )
    # A kept count: pages show it without counting the audience. subscribers refreshes it.
    active_readers = models.PositiveIntegerField(_("active readers"), default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("newsletter:archive", args=[self.slug])

    @property
    def sender(self) -> str:
        """The From of every mail, quoted as headers need it."""
        return str(Address(self.sender_name, addr_spec=self.sender_email))

    @property
    def signature(self) -> str:
        """The foot of a plain text mail: name and address, and the name only once."""
        begins_with_it = self.postal_address.casefold().startswith(self.name.casefold())
        return self.postal_address if begins_with_it else f"{self.name}\n{self.postal_address}"


class IssueQuerySet(models.QuerySet["Issue"]):
    def public(self) -> IssueQuerySet:
        """What the web shows: sent issues, newest first."""
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
    body = models.TextField(_("body"), blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    scheduled_at = models.DateTimeField(null=True, blank=True, editable=False)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

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
            models.Index(fields=["scheduled_at"], condition=Q(status="scheduled"), name="due_issues"),
        ]

    def __str__(self) -> str:
        return self.subject

    def get_absolute_url(self) -> str:
        return reverse("newsletter:issue", args=[self.newsletter.slug, self.slug])
