from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from newsletter.validators import one_line


class CorrectionForm(forms.Form):
    """What is said over a correction, so that its readers know why they get the issue once more."""

    subject = forms.CharField(
        label=_("Subject of the mail"),
        max_length=200,
        validators=[one_line],
        help_text=_("Readers have the first one already: say at once that this one is corrected."),
    )
    note = forms.CharField(
        label=_("What was wrong"),
        max_length=2000,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "Stands in a box above the text, of the mail alone. An empty line begins a new paragraph."
        ),
    )
