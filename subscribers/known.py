"""What a newsletter knows of one reader in its own fields (ReaderField), shown and written one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db import transaction

from newsletter.validators import one_line
from subscribers.models import Subscription

if TYPE_CHECKING:
    from newsletter.models import ReaderField

LONGEST = 100
PREFIX = "known_"  # a newsletter may call its fields as ours are called


def names(subscription: Subscription) -> list[str]:
    """Of the form's fields."""
    return [f"{PREFIX}{field.name}" for field in _fields(subscription)]


def form(subscription: Subscription) -> type[forms.ModelForm[Subscription]]:
    """A field for each that the newsletter has, filled in with what is known."""
    inputs = {f"{PREFIX}{field.name}": _input(field, subscription) for field in _fields(subscription)}
    return type("KnownForm", (forms.ModelForm,), inputs)


def lines(subscription: Subscription) -> list[tuple[str, str]]:
    """(label, value), to read."""
    return [(field.label, str(subscription.fields.get(field.name, ""))) for field in _fields(subscription)]


def write(subscription: Subscription, *, answers: dict[str, Any]) -> None:
    """Only what was answered: an import may be writing the others at the same time."""
    given = {name.removeprefix(PREFIX): value for name, value in answers.items() if name.startswith(PREFIX)}
    with transaction.atomic():
        stored = Subscription.objects.select_for_update(of=("self",)).get(pk=subscription.pk)
        merged = stored.fields | given
        stored.fields = {name: value for name, value in merged.items() if value}
        stored.save(update_fields=["fields"])
    subscription.fields = stored.fields


def _fields(subscription: Subscription) -> list[ReaderField]:
    return list(subscription.newsletter.reader_fields.all())


def _input(field: ReaderField, subscription: Subscription) -> forms.CharField:
    return forms.CharField(
        label=field.label,
        max_length=LONGEST,
        required=False,
        validators=[one_line],
        initial=subscription.fields.get(field.name, ""),
    )
