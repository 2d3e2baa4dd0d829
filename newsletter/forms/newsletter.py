"""A newsletter's settings: the newsletter itself, when it usually goes out, what it knows of its readers."""

from __future__ import annotations

from datetime import time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from newsletter import zones
from newsletter.models import Issue, Newsletter, ReaderField, UsualTime
from newsletter.models.reader_field import FIRST_NAME
from newsletter.validators import one_line

MOST_OPTIONS, LONGEST_OPTION = 50, 100  # of a choice; characters
LAST = 2**15  # behind every place that can be given
# A column of this name already says something else in an import.
TAKEN_NAMES = frozenset({FIRST_NAME, "name", "firstname", "email", "email_address", "address"})


class NewsletterForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        model = Newsletter
        fields = "__all__"  # noqa: DJ007 -- the admin says which
        widgets = {
            "accent": forms.TextInput(attrs={"type": "color", "data-look": ""}),
            "description": forms.Textarea(attrs={"rows": 3, "class": "short"}),
            "postal_address": forms.Textarea(attrs={"rows": 2, "class": "short"}),
            "consent_words": forms.Textarea(attrs={"rows": 3, "class": "short"}),
            "digest_time": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if digest_time := self.fields.get("digest_time"):
            digest_time.required = False
        if zone := self.fields.get("time_zone"):
            groups = zones.groups(chosen=self.instance.time_zone)
            self.fields["time_zone"] = forms.ChoiceField(
                label=zone.label, choices=groups, initial=zone.initial, help_text=zone.help_text
            )

    def clean_consent_words(self) -> str:
        """As it will stand at the forms: what cannot be seen must not be agreed to."""
        words = "\n".join(line.rstrip() for line in self.cleaned_data["consent_words"].splitlines()).strip()
        for line in words.splitlines():
            one_line(line)
        return words

    def clean_digest_time(self) -> time:
        """Cleared together with the day: it is then as it was."""
        given: time | None = self.cleaned_data["digest_time"]
        if given is None and self.cleaned_data.get("digest_day") is not None:
            raise ValidationError(_("Say at what time the digest goes out."), code="required")
        return given or self.instance.digest_time

    def clean_postal_address(self) -> str:
        """One line, however it was typed: a mail's foot sets it as it fits."""
        lines = (line.strip(" ,") for line in self.cleaned_data["postal_address"].splitlines())
        return ", ".join(line for line in lines if line)


class DaysField(forms.MultipleChoiceField):
    """Seven boxes, stored as the bits of one number."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=list(WEEKDAYS_ABBR.items()), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            return [str(day) for day in WEEKDAYS_ABBR if value >> day & 1]
        return value

    def clean(self, value: Any) -> Any:
        return sum(1 << int(day) for day in set(super().clean(value)))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class UsualTimeForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    days = DaysField(
        label=_("Days"), initial=0b0011111, error_messages={"required": _("Choose at least one day.")}
    )

    class Meta:
        model = UsualTime
        fields = ["days", "time"]
        widgets = {"time": forms.TimeInput(format="%H:%M", attrs={"type": "time"})}


class ReaderFieldForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        model = ReaderField
        fields = ["label", "name", "fallback", "kind", "choices", "is_asked", "is_required", "position"]
        widgets = {"choices": forms.Textarea(attrs={"rows": 3, "class": "short"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Imports, readers and issues know it by this name, and so it stays.
        self.fields["name"].disabled = bool(self.instance.pk)
        self.fields["name"].required = self.fields["kind"].required = False
        self.fields["name"].help_text = _(
            "Left empty, it is made of the label. It stays as it is once saved."
        )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if "name" in cleaned and not cleaned["name"]:
            cleaned["name"] = self._name(cleaned.get("label", ""))
        if cleaned.get("name") in TAKEN_NAMES:
            message = _("Every newsletter has “%(name)s” already. Please choose another name.")
            self.add_error("name", ValidationError(message, code="taken", params={"name": cleaned["name"]}))
        cleaned["kind"] = cleaned.get("kind") or ReaderField.Kind.TEXT
        # Without it nobody signs up: so it is asked for, whatever the other box says.
        cleaned["is_asked"] = bool(cleaned.get("is_asked") or cleaned.get("is_required"))
        if cleaned.get("kind") == ReaderField.Kind.CHOICE and "choices" in cleaned:
            self._check_choices(cleaned["choices"])
        return cleaned

    def _check_choices(self, choices: str) -> None:
        options = ReaderField(choices=choices).options
        if not MOST_OPTIONS >= len(options) >= 2:
            message = _("Write between 2 and %(most)s choices, one on each line.")
            self.add_error("choices", ValidationError(message, code="few", params={"most": MOST_OPTIONS}))
        elif long := next((option for option in options if len(option) > LONGEST_OPTION), ""):
            message = _("“%(option)s…” is too long: a choice has at most %(most)s characters.")
            params = {"option": long[:30], "most": LONGEST_OPTION}
            self.add_error("choices", ValidationError(message, code="long", params=params))
        else:
            self._check_lines(options)

    def _check_lines(self, options: list[str]) -> None:
        """They come to mails as what a reader types does."""
        for option in options:
            try:
                one_line(option)
            except ValidationError as error:
                self.add_error("choices", error)
                return

    def _name(self, label: str) -> str:
        letters = "".join(letter for letter in slugify(label).replace("-", "_") if not letter.isdigit())
        name = letters.strip("_")[:30].strip("_")
        if label and len(name) < 2:
            self.add_error("name", _("No name can be made of this label: please write one, like home_town."))
        return name


class ReaderFieldFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]  # generic in the stubs only
    """All fields of a newsletter, in their order."""

    def save(self, commit: bool = True) -> Any:
        saved = super().save(commit=commit)
        if commit:
            self._number()
        return saved

    def _number(self) -> None:
        """1, 2, 3 …, whatever was typed: who was moved up stands before whoever had that place, who was moved down
        behind."""
        moved = {form.instance.pk: _direction(form) for form in self.forms}
        those = list(
            ReaderField.objects.filter(newsletter=self.instance)
        )  # in order, those without a place last
        places = {field.pk: _place(field.position) for field in those}
        in_order = sorted(those, key=lambda each: (places[each.pk], moved.get(each.pk, 0)))
        for place, field in enumerate(in_order, 1):
            if field.position != place:
                field.position = place
                field.save(update_fields=["position"])

    def clean(self) -> None:
        """One that a waiting issue speaks of must not go: the issue could not be sent."""
        super().clean()
        for form in self.deleted_forms:
            if issue := _speaks_of(form.instance):
                message = _("“%(field)s” is used in “%(issue)s”. Take it out of that issue first.")
                params = {"field": form.instance.label, "issue": issue.subject}
                raise ValidationError(message, code="used", params=params)


def _direction(form: Any) -> int:
    """-1: up the list, or new on it. 1: down."""
    before, now = _place(form.initial.get("position")), _place(form.instance.position)
    return (now > before) - (now < before)


def _place(position: int | None) -> int:
    return LAST if position is None else position


def _speaks_of(field: ReaderField) -> Issue | None:
    waiting = models.Q(status=Issue.Status.DRAFT) | models.Q(status=Issue.Status.SCHEDULED)
    found = Issue.objects.filter(waiting, newsletter=field.newsletter_id)
    return found.filter(body__contains=f'data-field="{field.name}"').only("subject").first()
