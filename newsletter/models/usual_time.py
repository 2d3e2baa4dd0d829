from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.models.newsletter import Newsletter

EVERY_DAY = 0b1111111


class UsualTime(models.Model):
    """When issues of a newsletter usually go out, by its own clock: "weekdays 06:30"."""

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="usual_times")
    # Bit 0 is Monday, as date.weekday() counts.
    days = models.PositiveSmallIntegerField(
        _("days"),
        default=0b0011111,
        validators=[
            MinValueValidator(1, _("Choose at least one day.")),
            MaxValueValidator(EVERY_DAY),
        ],
    )
    time = models.TimeField(_("time"))

    class Meta:
        verbose_name = _("usual time")
        ordering = ["time", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(days__gte=1, days__lte=EVERY_DAY), name="usual_time_has_a_day"
            ),
            models.UniqueConstraint(fields=["newsletter", "time", "days"], name="one_usual_time_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.days:07b} {self.time:%H:%M}"
