"""The forms by which somebody signs up: to one newsletter, or to several at once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from newsletter.validators import one_line
from subscribers import guard, known
from subscribers.forms.address import AddressField, reachable

if TYPE_CHECKING:
    from newsletter.models import Newsletter, ReaderField

LONGEST_NAME = 100
# A stranger's address and a "name" that advertises: so forms are made to send spam in our name.
NOT_A_NAME = ("://", "www.", "@")
# What mail programs make a link of, without any of these. J.R. and St.John are names: two letters behind a dot count
# after three before it, and longer endings only where they are much in use.
ENDINGS = (
    "com net org info biz app dev xyz top site online shop store club live link click win bet casino vip pro icu "
    "space website tech world life today news page blog cash loan money poker games fun buzz cyou sbs bond"
)
A_SITE = re.compile(rf"[\w-]{{3,}}\.[a-z]{{2}}(?!\w)|[\w-]\.(?:{'|'.join(ENDINGS.split())})(?!\w)")


def only_a_name(value: str) -> None:
    folded = unicodedata.normalize("NFKC", value).replace("\u3002", ".").casefold()
    if any(mark in folded for mark in NOT_A_NAME) or A_SITE.search(folded):
        raise forms.ValidationError(_("Please write only your first name here."), code="not_a_name")


class SubscribeForm(forms.Form):
    """`fields` are the newsletter's own that it asks for (known.asked).

    `meant` in the post is the address as the reader says that it is right, after they were asked (did_you_mean.html).
    """

    email = AddressField(label=_("Your e-mail address"), placeholder=_("you@example.com"))
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
        email = str(self.cleaned_data["email"])
        # What is but a slip of the finger is asked about, and not refused.
        self.suggestion = "" if self.data.get("meant") else guard.suggestion(email)
        if not self.suggestion:
            reachable(email)
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
