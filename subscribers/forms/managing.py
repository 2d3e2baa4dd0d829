"""What a reader fills in on the page where they manage everything: each section is a form of its own."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from newsletter.validators import one_line
from subscribers import guard, known, resting
from subscribers.forms.address import AddressField, reachable
from subscribers.models import Subscription

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.utils.functional import _StrPromise

    from newsletter.models import Newsletter
    from subscribers.models import Subscriber

Frequency = Subscription.Frequency
UNTIL = "until"
LONGEST_REST = timedelta(days=365)


class AddressAskedForm(forms.Form):
    """Somebody without a mail at hand types their address, and the link comes by mail."""

    email = AddressField(label=_("Your e-mail address"), is_new=False)
    # People never see this field; programs that fill in every field give themselves away.
    website = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"})
    )


class RhythmForm(forms.Form):
    """How often one newsletter comes, or until when nothing does. Speaks the clock of the moment (spoken_by)."""

    rhythm = forms.ChoiceField(
        label=_("How often"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Please choose one."),
            "invalid_choice": _("This is not offered any more. Please choose again."),
        },
    )
    until = forms.DateField(
        label=_("The day on which it goes on"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": _("That does not look like a date. Write it like 2026-11-22.")},
    )

    def __init__(self, data: Any = None, *, subscription: Subscription, now: datetime) -> None:
        super().__init__(data, auto_id=f"id_{subscription.newsletter.slug}_%s", initial=_so_far(subscription))
        self.now = now
        self.today = timezone.localdate(now)
        choices: Any = self.fields["rhythm"]
        choices.choices = list(_rhythms(subscription.newsletter, subscription.frequency))
        first, last = self.today + timedelta(days=1), self.today + LONGEST_REST
        self.fields["until"].widget.attrs |= {"min": first.isoformat(), "max": last.isoformat()}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("rhythm") == UNTIL and "until" in cleaned:
            self._check(cleaned["until"])
        return cleaned

    def _check(self, day: date | None) -> None:
        if day is None:
            self.add_error("until", _("Please choose the day on which it goes on."))
        elif day <= self.today:
            self.add_error("until", _("Please choose a day that is still to come."))
        elif day > self.today + LONGEST_REST:
            self.add_error("until", _("A pause lasts a year at most. Please choose an earlier day."))

    @property
    def frequency(self) -> Subscription.Frequency | None:
        chosen = self.cleaned_data["rhythm"]
        return Frequency(chosen) if chosen in Frequency.values else None

    @property
    def pauses_until(self) -> datetime | None:
        """Aware. Of a day it is the beginning, by the newsletter's clock: that day's issue comes."""
        chosen = self.cleaned_data["rhythm"]
        if rest := resting.LENGTHS.get(chosen):
            return _beginning_of(self.today + rest)
        return _beginning_of(self.cleaned_data["until"]) if chosen == UNTIL else None

    def ends(self) -> dict[str, date]:
        """When each pause of a fixed length would be over, to be said beside it."""
        return {name: self.today + rest for name, rest in resting.LENGTHS.items()}


class FieldsForm(forms.Form):
    """What one newsletter knows of its reader in its own fields."""

    def __init__(self, data: Any = None, *, subscription: Subscription) -> None:
        super().__init__(data, auto_id=f"id_{subscription.newsletter.slug}_%s")
        self.fields.update(known.inputs_of(subscription))


class PersonForm(forms.Form):
    first_name = forms.CharField(
        label=_("First name"),
        max_length=100,
        required=False,
        validators=[one_line],
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    language = forms.ChoiceField(label=_("Language"), required=False)

    def __init__(self, data: Any = None, *, subscriber: Subscriber) -> None:
        super().__init__(data, initial={"first_name": subscriber.first_name, "language": subscriber.language})
        choices: Any = self.fields["language"]
        choices.choices = [("", _("As each newsletter speaks")), *settings.READER_LANGUAGES]


class NewAddressForm(forms.Form):
    """`meant` in the post is the address as the reader says that it is right, after they were asked."""

    suggestion = typed = ""  # where it is to be asked: what they may have meant, and what they typed

    new_email = AddressField(label=_("New address"), required_words=_("Please type the new address."))

    def __init__(self, data: Any = None, *, subscriber: Subscriber) -> None:
        if data is not None and data.get("meant"):
            data = data.copy()
            data["new_email"] = data["meant"]
        super().__init__(data)
        self.subscriber = subscriber

    def clean_new_email(self) -> str:
        email = str(self.cleaned_data["new_email"])
        if email == self.subscriber.email:
            raise forms.ValidationError(_("This is the address you have already."), code="same")
        if not self.data.get("meant") and (suggestion := guard.suggestion(email)):
            self.suggestion, self.typed = suggestion, email
            raise forms.ValidationError(_("Please say above which one is right."), code="suggestion")
        reachable(email)
        return email


def _rhythms(newsletter: Newsletter, chosen: str) -> Iterator[tuple[str, _StrPromise]]:
    """What is offered, and what they chose while it was."""
    yield Frequency.EVERY, _("Every issue")
    if newsletter.offers_weekdays or chosen == Frequency.WEEKDAYS:
        yield Frequency.WEEKDAYS, _("Only the issues of Monday to Friday")
    if newsletter.digest_day is not None or chosen == Frequency.WEEKLY:
        yield Frequency.WEEKLY, _("One mail a week with all issues")
    yield resting.TWO_WEEKS, _("Nothing for two weeks")
    yield resting.MONTH, _("Nothing for a month")
    yield UNTIL, _("Nothing until a day you choose")


def _so_far(subscription: Subscription) -> dict[str, object]:
    if subscription.status == Subscription.Status.PAUSED and subscription.paused_until:
        return {"rhythm": UNTIL, "until": timezone.localdate(subscription.paused_until)}
    return {"rhythm": subscription.frequency}


def _beginning_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
