"""What a newsletter knows of one reader in its own fields (ReaderField): asked for, shown and written one by one.

A value is text. Of a choice it is the words chosen; of a date it is ISO 8601 (2026-11-22), so that files and programs
read it everywhere, and people are shown it as their language writes it.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from newsletter.models import ReaderField
from newsletter.validators import one_line
from subscribers.models import Subscription

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from newsletter.models import Newsletter

LONGEST = 100
PREFIX = "known_"  # a newsletter may call its fields as ours are called
# Of a person or of something in their life: what lies outside is a slip of the finger.
EARLIEST, LATEST = date(1900, 1, 1), date(2100, 12, 31)
Kind = ReaderField.Kind


def asked(newsletter: Newsletter) -> list[ReaderField]:
    """What its sign-up form asks for, in the publisher's order."""
    return list(newsletter.reader_fields.filter(is_asked=True))


def inputs(fields: Iterable[ReaderField]) -> dict[str, forms.Field]:
    """For a sign-up form, by name; empty ones."""
    return {f"{PREFIX}{field.name}": _input(field, is_required=field.is_required) for field in fields}


def stored(answers: Mapping[str, Any]) -> dict[str, str]:
    """Of all that a form was answered, the newsletter's own fields as they are kept; only those filled in."""
    return {name: value for name, value in _given(answers).items() if value}


def names(subscription: Subscription) -> list[str]:
    """Of the form's fields."""
    return [f"{PREFIX}{field.name}" for field in _fields(subscription)]


def inputs_of(subscription: Subscription) -> dict[str, forms.Field]:
    """One for each field that the newsletter has, by name; filled in with what is known."""
    return {
        f"{PREFIX}{field.name}": _input(field, value=str(subscription.fields.get(field.name, "")))
        for field in _fields(subscription)
    }


def form(subscription: Subscription) -> type[forms.ModelForm[Subscription]]:
    """For the admin, which makes its own of it."""
    return type("KnownForm", (forms.ModelForm,), inputs_of(subscription))


def lines(subscription: Subscription) -> list[tuple[str, str]]:
    """(label, value), to read."""
    return [
        (field.label, shown(field, str(subscription.fields.get(field.name, ""))))
        for field in _fields(subscription)
    ]


def shown(field: ReaderField, value: str) -> str:
    """As people read it, in the language of the moment."""
    return date_words(value) if field.kind == Kind.DATE else value


def date_words(value: str) -> str:
    """What is no date (the field held words once) stays as it is."""
    day = _day(value)
    return date_format(day, "DATE_FORMAT") if day else value


def write(subscription: Subscription, *, answers: dict[str, Any]) -> None:
    """Only what was answered: an import may be writing the others at the same time."""
    with transaction.atomic():
        rest = Subscription.objects.select_for_update(of=("self",)).get(pk=subscription.pk)
        merged = rest.fields | _given(answers)
        rest.fields = {name: value for name, value in merged.items() if value}
        rest.save(update_fields=["fields"])
    subscription.fields = rest.fields


def _given(answers: Mapping[str, Any]) -> dict[str, str]:
    own = {name.removeprefix(PREFIX): value for name, value in answers.items() if name.startswith(PREFIX)}
    return {
        name: value.isoformat() if isinstance(value, date) else str(value or "")
        for name, value in own.items()
    }


def _fields(subscription: Subscription) -> list[ReaderField]:
    return list(subscription.newsletter.reader_fields.all())


def _input(field: ReaderField, *, value: str = "", is_required: bool = False) -> forms.Field:
    match field.kind:
        case Kind.CHOICE:
            return _choice(field, value=value, is_required=is_required)
        case Kind.DATE:
            return _date(field, value=value, is_required=is_required)
    return forms.CharField(
        label=field.label,
        max_length=LONGEST,
        required=is_required,
        validators=[one_line],
        initial=value,
        error_messages={"required": _("Please fill this in.")},
    )


def _choice(field: ReaderField, *, value: str, is_required: bool) -> forms.Field:
    """What a reader chose once stays theirs, though it is offered no more."""
    options = field.options if not value or value in field.options else [value, *field.options]
    nothing = _("Please choose") if is_required else "–"
    return forms.ChoiceField(
        label=field.label,
        required=is_required,
        choices=[("", nothing), *((option, option) for option in options)],
        initial=value,
        error_messages={
            "required": _("Please choose one."),
            "invalid_choice": _("This is not offered any more. Please choose again."),
        },
    )


def _date(field: ReaderField, *, value: str, is_required: bool) -> forms.Field:
    bounds = {"type": "date", "min": EARLIEST.isoformat(), "max": LATEST.isoformat()}
    return forms.DateField(
        label=field.label,
        required=is_required,
        validators=[_sane],
        initial=_day(value),
        widget=forms.DateInput(format="%Y-%m-%d", attrs=bounds),
        error_messages={
            "required": _("Please choose a date."),
            "invalid": _("That does not look like a date. Write it like 2026-11-22."),
        },
    )


def _sane(day: date) -> None:
    if not EARLIEST <= day <= LATEST:
        raise ValidationError(_("Please check the year."), code="year")


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
