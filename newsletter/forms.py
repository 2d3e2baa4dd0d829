"""The forms that newsletters and issues are written in."""

from __future__ import annotations

import re
from copy import copy
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.forms.widgets import Media, Script
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from django_prose_editor.widgets import AdminProseEditorWidget

from newsletter import editing, rendering
from newsletter.models import Issue, Newsletter

if TYPE_CHECKING:
    from datetime import datetime

LARGEST_BODY = 1024 * 1024
PLAIN_PICTURE = re.compile(r"""<img\b[^>]*\bsrc\s*=\s*["']?\s*(http:[^\s"'>]*)""", re.IGNORECASE)


class BodyWidget(AdminProseEditorWidget):  # type: ignore[misc]  # comes without types
    """The editor with Courant's blocks; without script it stays a plain text area."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, config={"extensions": editing.EXTENSIONS}, preset="configurable")

    @property
    def media(self) -> Media:
        media: Media = super().media + Media(css={"all": ["newsletter/editor.css"]})
        return media


class NewsletterForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        model = Newsletter
        fields = "__all__"  # noqa: DJ007 -- the admin says which
        widgets = {
            "accent": forms.TextInput(attrs={"type": "color"}),
            "postal_address": forms.Textarea(attrs={"rows": 2, "class": "short"}),
        }

    def clean_postal_address(self) -> str:
        """One line, however it was typed: a mail's foot sets it as it fits."""
        lines = (line.strip(" ,") for line in self.cleaned_data["postal_address"].splitlines())
        return ", ".join(line for line in lines if line)


class IssueForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """For the admin: the body through the editor, stored only as the sanitiser leaves it.

    `version` is what was saved when the form was opened: who saves over somebody else's words is told once.
    """

    version = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"autocomplete": "off"}))

    class Meta:
        model = Issue
        fields = ["newsletter", "subject", "slug", "preheader", "authors", "body"]
        widgets = {
            "body": BodyWidget,
            "subject": AdminTextInputWidget(
                attrs={"data-counter": _("{count} characters; inboxes show about 50")}
            ),
        }

    class Media:
        js = [Script("newsletter/writing.js", defer=True)]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["version"] = self.instance.updated_at.isoformat()

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.instance.pk:
            self._compare_versions()
        return cleaned

    def _compare_versions(self) -> None:
        """The row is locked until this request has saved: of two saves at once, the second sees the first."""
        found = Issue.objects.select_for_update().filter(pk=self.instance.pk)
        saved_at = found.values_list("updated_at", flat=True).get()
        name = self.add_prefix("version")
        if self.data.get(name) == saved_at.isoformat():
            return
        data: Any = copy(self.data)  # pressed again, the button comes with what is stored now, and is meant
        data[name] = saved_at.isoformat()
        self.data = data
        self.add_error(None, ValidationError(self._saved_meanwhile(saved_at), code="saved_meanwhile"))

    def _saved_meanwhile(self, saved_at: datetime) -> str:
        here = saved_at.astimezone(ZoneInfo(self.instance.newsletter.time_zone))
        return _(
            "Somebody saved this issue meanwhile (at %(time)s). Your text is still below: open the issue in another"
            " tab, compare, and save again to keep yours."
        ) % {"time": f"{here:%H:%M}"}

    def clean_body(self) -> str:
        body: str = self.cleaned_data["body"]
        size = len(body.encode(errors="replace"))
        if size > LARGEST_BODY:
            raise ValidationError(
                _(
                    "The text is too long to be mailed: %(size)s, and %(limit)s is the most. Was a picture pasted in?"
                ),
                code="too_long",
                params={"size": filesizeformat(size), "limit": filesizeformat(LARGEST_BODY)},
            )
        if picture := PLAIN_PICTURE.search(body):
            raise ValidationError(
                _("A picture’s address must begin with https://, or readers would not see it: %(address)s"),
                code="plain_picture",
                params={"address": picture[1]},
            )
        return rendering.sanitise(body)
