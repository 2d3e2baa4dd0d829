from __future__ import annotations

import re
from email.utils import parseaddr

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy, ngettext

from delivery.proofing import MOST_ADDRESSES
from subscribers.addresses import InvalidAddress, canonical

BETWEEN = re.compile(r"[,;\n\r]+")


class ProofForm(forms.Form):
    """Where a test goes: addresses as somebody types or pastes them, with commas or on lines of their own."""

    addresses = forms.CharField(
        label=gettext_lazy("To"),
        help_text=gettext_lazy("Up to ten addresses, with commas between them or one on each line."),
        widget=forms.Textarea(
            attrs={
                "rows": 3,
                "autocomplete": "email",
                "autocapitalize": "off",
                "spellcheck": "false",
                "inputmode": "email",
            }
        ),
        max_length=4000,
        error_messages={"required": gettext_lazy("Write at least one address.")},
    )

    def clean_addresses(self) -> list[str]:
        """Each once, in the spelling that readers' addresses have."""
        written = [part.strip() for part in BETWEEN.split(self.cleaned_data["addresses"]) if part.strip()]
        found, problems = [], []
        for part in written:
            try:
                found.append(canonical(parseaddr(part)[1] if part.endswith(">") else part))
            except InvalidAddress as error:
                problems.append(ValidationError(f"{part}: {error}"))
        if problems:
            raise ValidationError(problems)
        if not found:
            raise ValidationError(self.fields["addresses"].error_messages["required"])
        addresses = list(dict.fromkeys(found))
        if len(addresses) > MOST_ADDRESSES:
            words = ngettext(
                "A test goes to %(most)s address at most. These are %(count)s.",
                "A test goes to %(most)s addresses at most. These are %(count)s.",
                MOST_ADDRESSES,
            )
            raise ValidationError(words % {"most": MOST_ADDRESSES, "count": len(addresses)})
        return addresses
