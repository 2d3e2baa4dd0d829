"""Who comes into a newsletter's team, and as what."""

from __future__ import annotations

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from newsletter.models import Member


def roles() -> list[tuple[str, str]]:
    return [(value, capfirst(str(label))) for value, label in Member.Role.choices]


class PersonForm(forms.Form):
    # An address is the new account's name, too, and of those Django keeps 150 characters.
    email = forms.EmailField(label=_("E-mail address"), max_length=150)
    role = forms.ChoiceField(label=_("Role"), choices=roles, initial=Member.Role.WRITER)

    def clean_email(self) -> str:
        """It becomes a name to log in by, which is one however it is typed."""
        return str(self.cleaned_data["email"]).lower()


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=roles)
