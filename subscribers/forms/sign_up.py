"""The forms by which somebody signs up: to one newsletter, or to several at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from newsletter.validators import one_line
from subscribers import guard, known, lookalikes
from subscribers.addresses import LONGEST_INPUT, InvalidAddress, canonical

if TYPE_CHECKING:
    from newsletter.models import Newsletter, ReaderField

LONGEST_NAME = 100
# A stranger's address and a "name" that advertises: so forms are made to send spam in our name.
NOT_A_NAME = ("://", "www.", "@")


def only_a_name(value: str) -> None:
    if any(mark in value.lower() for mark in NOT_A_NAME):
        raise forms.ValidationError(_("Please write only your first name here."), code="not_a_name")


class SubscribeForm(forms.Form):
    """`fields` are the newsletter's own that it asks for (known.asked).

    `meant` in the post is the address as the reader says that it is right, after they were asked (did_you_mean.html).
    """

    email = forms.CharField(
        label=_("Your e-mail address"),
        max_length=LONGEST_INPUT,
        widget=forms.EmailInput(
            attrs={
                "autocomplete": "email",
                "inputmode": "email",
                "placeholder": _("you@example.com"),
                "dir": "ltr",
            }
        ),
        error_messages={
            "required": _("Please type your e-mail address."),
            "max_length": _("This is too long for an address. Please check it."),
        },
    )
    first_name = forms.CharField(
        label=_("First name"),
        max_length=LONGEST_NAME,
        required=False,
        validators=[one_line, only_a_name],
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )

    suggestion = ""  # of a valid form: what they may have meant to type instead

    def __init__(self, data: Any = None, *, fields: Iterable[ReaderField] = ()) -> None:
        if data is not None and data.get("meant"):
            data = data.copy()
            data["email"] = data["meant"]
        super().__init__(data)
        self.own = known.inputs(fields)
        self.fields.update(self.own)

    def own_fields(self) -> list[tuple[forms.BoundField, bool]]:
        """Each, and whether it may be left empty."""
        return [(self[name], not field.required) for name, field in self.own.items()]

    def clean_email(self) -> str:
        typed = str(self.cleaned_data["email"])
        try:
            email = canonical(typed)
        except InvalidAddress as error:
            raise forms.ValidationError(
                _("That does not look like an e-mail address. Please check it for typos."),
                code="invalid_address",
            ) from error
        if lookalikes.is_mixed(typed.rpartition("@")[2].strip()):
            message = _(
                "This address mixes letters of different alphabets: mail would go to “%(domain)s”. Please type it anew."
            )
            domain = email.rpartition("@")[2]
            raise forms.ValidationError(message, code="lookalike", params={"domain": domain})
        # What is but a slip of the finger is asked about, and not refused.
        self.suggestion = "" if self.data.get("meant") else guard.suggestion(email)
        objection = "" if self.suggestion else guard.objection(email)
        if objection:
            raise forms.ValidationError(objection, code="unreachable")
        return email

    def chosen(self) -> list[int]:
        """Of a valid form: the newsletters ticked; none where the page is of one alone."""
        return []


class SubscribeToSeveralForm(SubscribeForm):
    """Every newsletter a box, none of them ticked: consent to one is not consent to another.

    A field that several ask for is asked for once; it must be filled in when one of those chosen needs it.
    """

    newsletters = forms.TypedMultipleChoiceField(
        label=_("Newsletters"),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": _("Please choose at least one newsletter."),
            "invalid_choice": _("One of these newsletters is not here any more. Please choose again."),
        },
    )
    field_order = ("newsletters", "email", "first_name")

    def __init__(
        self, data: Any = None, *, newsletters: Sequence[Newsletter], fields: Iterable[ReaderField] = ()
    ) -> None:
        self.needed: dict[str, set[int]] = {}
        once: dict[str, ReaderField] = {}
        for field in fields:
            once.setdefault(field.name, field)
            if field.is_required:
                self.needed.setdefault(f"{known.PREFIX}{field.name}", set()).add(field.newsletter_id)
        super().__init__(data, fields=once.values())
        for own in self.own.values():
            own.required = False  # clean() knows which are chosen
        choices: Any = self.fields["newsletters"]
        choices.choices = [(newsletter.pk, newsletter.name) for newsletter in newsletters]

    def own_fields(self) -> list[tuple[forms.BoundField, bool]]:
        return [(self[name], name not in self.needed) for name in self.own]

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] = super().clean() or {}
        chosen = set(cleaned.get("newsletters", ()))
        for name, needing in self.needed.items():
            if chosen & needing and name in cleaned and not cleaned[name]:
                required = self.fields[name].error_messages["required"]
                self.add_error(name, forms.ValidationError(required, code="required"))
        return cleaned

    def chosen(self) -> list[int]:
        return list(dict.fromkeys(self.cleaned_data["newsletters"]))
