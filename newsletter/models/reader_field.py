from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.models.newsletter import Newsletter
from newsletter.validators import one_line

# Every newsletter has this one; a newsletter's own fields must not be called like it.
FIRST_NAME = "first_name"


class ReaderField(models.Model):
    """Something a newsletter knows of each reader and may say to them: a town, a team, a member's number."""

    class Kind(models.TextChoices):
        TEXT = "text", _("a few words")
        CHOICE = "choice", _("one of several")
        DATE = "date", _("a date")

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="reader_fields")
    name = models.CharField(
        _("name in files"),
        max_length=30,
        validators=[
            RegexValidator(r"^[a-z][a-z_]*[a-z]$", _("Small letters and underscores, like home_town."))
        ],
        help_text=_("The column of an import, like home_town."),
    )
    label = models.CharField(_("label"), max_length=60, validators=[one_line])
    fallback = models.CharField(
        _("said to those of whom it is not known"), max_length=100, blank=True, validators=[one_line]
    )
    kind = models.CharField(_("what it holds"), max_length=6, choices=Kind, default=Kind.TEXT)
    choices = models.TextField(_("choices"), max_length=2000, blank=True, help_text=_("One on each line."))
    is_asked = models.BooleanField(_("ask for it at sign-up"), default=False)
    is_required = models.BooleanField(_("must be filled in at sign-up"), default=False)
    position = models.PositiveSmallIntegerField(
        _("place"),
        null=True,
        blank=True,
        help_text=_("1 comes first. Left empty, it comes last."),
    )

    class Meta:
        verbose_name = _("field")
        ordering = [models.F("position").asc(nulls_last=True), "label", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "name"], name="one_reader_field_per_name"),
            models.CheckConstraint(condition=~models.Q(name=FIRST_NAME), name="first_name_is_everybodys"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def options(self) -> list[str]:
        """What can be chosen, in the publisher's order, each once."""
        lines = (" ".join(line.split()) for line in self.choices.splitlines())
        return list(dict.fromkeys(line for line in lines if line))
