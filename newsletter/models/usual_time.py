from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.formats import time_format
from django.utils.text import get_text_list
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from newsletter.models.newsletter import Newsletter

WEEKDAYS = 0b0011111
WEEKENDS = 0b1100000
EVERY_DAY = 0b1111111
WHOLE = {EVERY_DAY: _("every day"), WEEKDAYS: _("weekdays"), WEEKENDS: _("weekends")}
# Bit 0 is Monday, as date.weekday() counts.
DAYS = (
    _("Mondays"),
    _("Tuesdays"),
    _("Wednesdays"),
    _("Thursdays"),
    _("Fridays"),
    _("Saturdays"),
    _("Sundays"),
)


class UsualTime(models.Model):
    """When issues of a newsletter usually go out, by its own clock: "weekdays 06:30"."""

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="usual_times")
    days = models.PositiveSmallIntegerField(
        _("days"),
        default=WEEKDAYS,
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
        return self.in_words

    @property
    def in_words(self) -> str:
        """ "weekdays 06:30", "Mondays and Thursdays 18:00"."""
        names = [str(name) for bit, name in enumerate(DAYS) if self.is_on(bit)]
        days = WHOLE.get(self.days) or get_text_list(names, gettext("and"))
        return f"{days} {time_format(self.time, 'H:i')}"

    def is_on(self, weekday: int) -> bool:
        """0 is Monday, as date.weekday() counts."""
        return bool(self.days >> weekday & 1)
