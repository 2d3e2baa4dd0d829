"""The form an issue is written in."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import Media
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from django_prose_editor.widgets import AdminProseEditorWidget

from newsletter import editing, rendering
from newsletter.models import Issue

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


class IssueForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """For the admin: the body through the editor, stored only as the sanitiser leaves it."""

    class Meta:
        model = Issue
        fields = ["newsletter", "subject", "slug", "preheader", "authors", "body"]
        widgets = {"body": BodyWidget}

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
