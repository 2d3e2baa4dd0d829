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

    class Meta:
        verbose_name = _("field")
        ordering = ["label", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "name"], name="one_reader_field_per_name"),
            models.CheckConstraint(condition=~models.Q(name=FIRST_NAME), name="first_name_is_everybodys"),
        ]

    def __str__(self) -> str:
        return self.label
