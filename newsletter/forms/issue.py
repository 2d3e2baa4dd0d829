"""The form that an issue is written in."""

from __future__ import annotations

import json
from copy import copy
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from django.utils.translation import gettext_lazy as _

from newsletter import bodies, given, slugs
from newsletter.forms.body import BodyWidget
from newsletter.forms.cover import CoverField
from newsletter.models import Issue
from newsletter.models.reader_field import FIRST_NAME

if TYPE_CHECKING:
    from datetime import datetime

SCRIPTS = ("writing", "telling", "copies", "posting", "autosave", "presence", "created")


class IssueForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """For the admin: the body through the editor, stored only as the sanitiser leaves it.

    `version` is what was stored when the form was opened. Who would save over somebody else's words is told so first:
    `meanwhile` is then the issue as it is stored.
    """

    version = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"autocomplete": "off"}))
    cover = CoverField(
        required=False,
        label=_("Cover picture"),
        help_text=_("Above the text, and where the issue is shared."),
    )
    meanwhile: Issue | None = None
    seen: datetime | None = None  # what the writer began with, once the form is valid
    # Readers would see a change at once, or a mail is due with what was agreed on: it takes a person to save it.
    is_settled = False
    stored_status = ""

    class Meta:
        model = Issue
        fields = [
            "newsletter",
            "subject",
            "preheader",
            "body",
            "slug",
            "cover",
            "cover_alt",
            "authors",
            "tags",
            "visibility",
        ]
        widgets = {
            "body": BodyWidget,
            "subject": AdminTextInputWidget(
                attrs={
                    "data-counter": _("{count} characters; phones show about 45"),
                    "placeholder": _("Subject"),
                }
            ),
            "preheader": AdminTextInputWidget(
                attrs={
                    "data-counter": _("{count} characters; inboxes show about 90"),
                    "placeholder": _("Preheader: the line that inboxes show after the subject"),
                }
            ),
            "cover_alt": AdminTextareaWidget(attrs={"rows": 2, "class": "short"}),
        }

    class Media:
        js = [Script(f"newsletter/{name}.js", defer=True) for name in SCRIPTS]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            # A browser would cut what is too long, without a word; we say so and keep it.
            if field.widget.attrs.pop("maxlength", None) and name in ("subject", "preheader"):
                field.widget.attrs["data-most"] = str(getattr(field, "max_length", ""))
        for name in {"slug", "visibility"} & self.fields.keys():
            self.fields[name].required = False  # made from the subject; public
        if "body" in self.fields:
            self.fields["body"].widget.attrs["data-fields"] = json.dumps(self._offered())
        if self.instance.pk:
            self.initial["version"] = self.instance.updated_at.isoformat()
        elif "subject" in self.fields:
            self.fields["subject"].widget.attrs["autofocus"] = True

    def written(self) -> dict[str, Any]:
        """Every field that can be saved, though others cannot."""
        skipped = {"version", *self.errors}
        return {name: value for name, value in self.cleaned_data.items() if name not in skipped}

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] = super().clean() or {}
        self._name(cleaned)
        self._check_fields(cleaned)
        if self.instance.pk:
            self._compare_versions()
        return cleaned

    def clean_body(self) -> str:
        return bodies.cleaned(self.cleaned_data["body"])

    def clean_visibility(self) -> str:
        return self.cleaned_data["visibility"] or str(self.instance.visibility)

    def _name(self, cleaned: dict[str, Any]) -> None:
        """An address that nobody chose follows the subject; one that is taken gets a number behind it."""
        subject, newsletter = cleaned.get("subject"), cleaned.get("newsletter") or self._newsletter()
        if "slug" not in cleaned or not newsletter:
            return
        slug = cleaned["slug"]
        is_untouched = bool(self.instance.pk) and slug == self.instance.slug
        if is_untouched and subject != self.instance.subject and slugs.follows_subject(self.instance):
            slug = ""
        if slug or subject:
            slug = slug or slugs.wished(str(subject), newsletter=newsletter)
            cleaned["slug"] = slugs.free(slug, newsletter=newsletter, but=self.instance)
        else:  # the subject says what is missing, and what is stored keeps its address
            del cleaned["slug"]

    def _check_fields(self, cleaned: dict[str, Any]) -> None:
        """Once both are known: what readers are greeted with belongs to the newsletter."""
        newsletter = cleaned.get("newsletter") or self._newsletter()
        if not newsletter or not cleaned.get("body"):
            return
        try:
            bodies.check_fields(cleaned["body"], own=newsletter.reader_fields.values_list("name", flat=True))
        except ValidationError as error:
            self.add_error("body", error)

    def _newsletter(self) -> Any:
        return self.instance.newsletter if self.instance.newsletter_id else None

    def _offered(self) -> list[dict[str, str]]:
        """What the editor's menu offers to say of a reader."""
        everybody = {"name": FIRST_NAME, "label": str(_("First name")), "fallback": str(_("reader"))}
        newsletter = self._newsletter() or self._wished_newsletter()
        own = newsletter.reader_fields.values("name", "label", "fallback") if newsletter else []
        return [everybody, *own]

    def _wished_newsletter(self) -> Any:
        """Of a new issue: what stands in the form, if it is one of those that may be chosen."""
        wished = str(self["newsletter"].value() or "") if "newsletter" in self.fields else ""
        choices: Any = self.fields.get("newsletter")
        return choices.queryset.filter(pk=given.number(wished)).first() if choices and wished else None

    def _compare_versions(self) -> None:
        """The row is locked until this request has saved: of two saves at once, the second sees the first."""
        stored = Issue.objects.select_for_update().get(pk=self.instance.pk)
        self.stored_status, self.is_settled = stored.status, stored.status != Issue.Status.DRAFT
        self.seen, name = stored.updated_at, self.add_prefix("version")
        if self.data.get(name) == stored.updated_at.isoformat():
            return
        data: Any = copy(self.data)  # pressed again, the button comes with what is stored now, and is meant
        data[name] = stored.updated_at.isoformat()
        self.data = data
        self.meanwhile = stored
        words = _("Somebody else saved this issue meanwhile. Your text is not lost: please choose.")
        self.add_error(None, ValidationError(words, code="saved_meanwhile"))
