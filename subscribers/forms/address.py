"""The field for an address, wherever one is typed: its one spelling, and a sentence for whatever is wrong with it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from subscribers import guard, lookalikes
from subscribers.addresses import LONGEST_INPUT, ForeignLetters, InvalidAddress, canonical


class AddressField(forms.CharField):
    """Of a valid one, the canonical address. `is_new`: it must not pass for another, and take mail (reachable)."""

    def __init__(
        self, *, is_new: bool = True, placeholder: Any = "", required_words: Any = "", **more: Any
    ) -> None:
        shown = {"autocomplete": "email", "inputmode": "email"} | (
            {"placeholder": placeholder} if placeholder else {}
        )
        super().__init__(
            max_length=LONGEST_INPUT,
            widget=forms.EmailInput(attrs=shown | {"dir": "ltr"}),
            error_messages={
                "required": required_words or _("Please type your e-mail address."),
                "max_length": _("This is too long for an address. Please check it."),
            },
            **more,
        )
        self.is_new = is_new

    def clean(self, value: Any) -> str:
        typed = str(super().clean(value))
        try:
            email = canonical(typed)
        except ForeignLetters as error:
            message = _(
                "Many mail servers do not take “%(letter)s” before the @, so our mails might never arrive."
                " Please type another address of yours."
            )
            raise forms.ValidationError(message, code="letters", params={"letter": error.letter}) from error
        except InvalidAddress as error:
            message = _("That does not look like an e-mail address. Please check it for typos.")
            raise forms.ValidationError(message, code="invalid_address") from error
        if self.is_new and lookalikes.is_mixed(typed.rpartition("@")[2].strip()):
            message = _(
                "This address mixes letters of different alphabets: mail would go to “%(domain)s”. Please type it anew."
            )
            domain = email.rpartition("@")[2]
            raise forms.ValidationError(message, code="lookalike", params={"domain": domain})
        return email


def reachable(email: str) -> None:
    """Raises ValidationError where no mail arrives for long. Looks nothing up."""
    if objection := guard.objection(email):
        raise forms.ValidationError(objection, code="unreachable")
