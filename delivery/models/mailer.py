from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from datetime import date


class MailerState(models.Model):
    """What all workers know together of one mailer: whether it asked them to wait, or does not work."""

    alias = models.CharField(max_length=50, primary_key=True)
    not_before = models.DateTimeField(null=True)  # it asked everybody to wait, or its allowance is used up
    waiting_for = models.TextField(blank=True, default="")  # why, in words
    free_at = models.DateTimeField(null=True)  # when the next reader may go, at so many a second
    # The circuit: while it is open, nothing goes by this mailer but one trial now and then.
    broken_since = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, default="")
    next_trial = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("mailer")

    def __str__(self) -> str:
        return self.alias


class SendingDomain(models.Model):
    """A sender's domain that mailbox providers do not know yet: so many readers a day, and more each day."""

    LENGTH = timedelta(days=42)
    GROWTH = 1.18  # a day: 200 become 200,000 in six weeks

    domain = models.CharField(
        _("domain"),
        max_length=255,
        help_text=_("What stands behind the @ of the sender's address."),
    )
    warm_up_from = models.DateField(_("first day"))
    first_day = models.PositiveIntegerField(
        _("readers on the first day"), default=200, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("domain being warmed up")
        verbose_name_plural = _("domains being warmed up")
        constraints = [models.UniqueConstraint(Lower("domain"), name="one_warm_up_per_domain")]

    def __str__(self) -> str:
        return self.domain

    def cap(self, today: date) -> int | None:
        """Readers within 24 hours; None when the warm-up is over."""
        days = (today - self.warm_up_from).days
        if days >= self.LENGTH.days:
            return None
        return int(self.first_day * self.GROWTH ** max(days, 0))
