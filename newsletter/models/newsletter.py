from __future__ import annotations

import zoneinfo
from datetime import time
from email.headerregistry import Address
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from newsletter.validators import ascii_only, one_line, refuse_reserved_newsletter_slug

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
    needs_second_person = models.BooleanField(
        _("a second person must approve each issue"),
        default=False,
        help_text=_(
            "Somebody else than who wrote the last word approves exactly this text, these readers and this time."
        ),
    )
    # --- Readers -----------------------------------------------------------------------------------
    confirms_by_mail = models.BooleanField(
        _("readers confirm by mail"),
        default=True,
        help_text=_(
            "A new reader presses a button in a mail before anything else is sent to them (double opt-in). Without it,"
            " anybody can sign up anybody: leave it out only where the law allows it. Who left once is always asked."
        ),
    )
    consent_words = models.TextField(
        _("what readers agree to"),
        max_length=600,
        blank=True,
        help_text=_(
            "Stands at every sign-up form and is kept word for word with each sign-up. Empty: a sentence of ours, in"
            " the reader’s language."
        ),
    )
    says_goodbye = models.BooleanField(
        _("say goodbye by mail"),
        default=True,
        help_text=_(
            "One mail to whoever left by the page, with a way back: somebody else may have pressed the button in a"
            " forwarded mail."
        ),
    )
    offers_weekdays = models.BooleanField(
        _("readers may choose weekdays only"),
        default=False,
        help_text=_("For a newsletter that comes out on weekends, too."),
    )
    digest_day = models.PositiveSmallIntegerField(
        _("weekly digest on"),
        null=True,
        blank=True,
        choices=list(WEEKDAYS.items()),
        help_text=_("Readers may choose one mail a week with the headlines of its issues. Empty: no digest."),
    )
    digest_time = models.TimeField(_("at"), default=time(9))
    forgets_unconfirmed_after = models.PositiveSmallIntegerField(
        _("delete who never confirmed after (days)"),
        default=30,
        validators=[MinValueValidator(4), MaxValueValidator(365)],
    )
    forgets_left_after = models.PositiveSmallIntegerField(
        _("delete who left after (days)"),
        null=True,
        blank=True,
        default=365,
        validators=[MinValueValidator(1)],
        help_text=_(
            "A keyed hash of the address stays, so that no import brings them back. Empty: they are kept."
        ),
    )
    forgets_networks_after = models.PositiveSmallIntegerField(
        _("forget from which network a reader came after (days)"),
        null=True,
        blank=True,
        default=730,
        validators=[MinValueValidator(1)],
        help_text=_(
            "The proof of what they agreed to, and when, stays as long as they do. Empty: kept, too."
        ),
    )
    # A kept count: pages show it without counting the audience. subscribers refreshes it.
    active_readers = models.PositiveIntegerField(_("active readers"), default=0, editable=False)
    # Of these, who wants no issues on weekends, and who wants one mail a week.
    weekday_readers = models.PositiveIntegerField(default=0, editable=False)
    weekly_readers = models.PositiveIntegerField(default=0, editable=False)
    # As many sign-ups in ten minutes as are taken for usual: learnt, too (subscribers.guard.sieges).
    usual_sign_ups = models.PositiveIntegerField(default=50, editable=False)
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
