from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from newsletter.validators import one_line
from subscribers.addresses import LONGEST_INPUT, InvalidAddress, canonical


class SubscribeForm(forms.Form):
    email = forms.CharField(
        label=_("Your e-mail address"),
        max_length=LONGEST_INPUT,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "placeholder": "you@example.com"}),
        error_messages={"required": _("Please type your e-mail address.")},
    )
    first_name = forms.CharField(
        label=_("First name (if you like)"),
        max_length=100,
        required=False,
        validators=[one_line],
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    # People never see this field; programs that fill in every field give themselves away.
    website = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"})
    )

    def clean_email(self) -> str:
        try:
            return canonical(self.cleaned_data["email"])
        except InvalidAddress as error:
            raise forms.ValidationError(
                _("That does not look like an e-mail address. Please check it for typos."),
                code="invalid_address",
            ) from error

    @property
    def is_from_a_machine(self) -> bool:
        return bool(self.cleaned_data.get("website"))
