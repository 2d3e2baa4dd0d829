"""The field that holds an issue's cover picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import Media, Script
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from newsletter.models import Picture

if TYPE_CHECKING:
    from django.utils.safestring import SafeString


class CoverWidget(forms.HiddenInput):
    """The picture's digest, hidden; static/newsletter/cover.js shows the picture and takes another."""

    template_name = "admin/newsletter/issue/_cover.html"
    input_type = "hidden"
    is_hidden = False  # the picture has a label and errors like any field

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"] |= {
            "picture": Picture.objects.by_digest(str(value or "")),
            "upload_url": _upload_url(),
        }
        return context

    def _render(self, template_name: str, context: dict[str, Any], renderer: Any = None) -> SafeString:
        """From the project's templates; a form's own renderer knows only those of packages."""
        return render_to_string(template_name, context)

    @property
    def media(self) -> Media:
        return Media(js=[Script("newsletter/cover.js", defer=True)])  # type: ignore[list-item]  # the stubs know strings only


class CoverField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in the stubs only
    def __init__(self, **kwargs: Any) -> None:
        kwargs |= {"queryset": Picture.objects.all(), "to_field_name": "digest", "widget": CoverWidget}
        super().__init__(**kwargs)
        self.error_messages["invalid_choice"] = _(
            "This picture is not there any more. Please upload it again."
        )

    def prepare_value(self, value: Any) -> Any:
        """An issue has it by number."""
        stored = Picture.objects.filter(pk=value).first() if isinstance(value, int) else value
        return super().prepare_value(stored)

    def to_python(self, value: Any) -> Picture | None:
        if value in self.empty_values:
            return None
        found = Picture.objects.by_digest(str(value))
        if found is None:
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return found


def _upload_url() -> str:
    try:
        return reverse("admin:newsletter_picture_upload")
    except NoReverseMatch:
        return ""
