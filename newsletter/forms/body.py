"""The field an issue's text is written in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypedDict

from django.urls import reverse
from django_prose_editor.widgets import AdminProseEditorWidget
from js_asset import ImportMap
from js_asset.media import Media

from newsletter import editing

STYLES = ("editor", "editor-pieces", "editor-menus")


class Offer(TypedDict):
    """One entry of the editor's menu of what is known of readers."""

    name: str
    label: str
    fallback: str


class BodyWidget(AdminProseEditorWidget):  # type: ignore[misc]  # comes without types
    """The editor with Courant's blocks; without script it stays a plain text area.

    `fields` are the newsletter's own, besides the first name, which everybody has. They may also be set later, or as
    the attribute data-fields: a form knows its newsletter only when it is made.
    """

    def __init__(self, attrs: dict[str, Any] | None = None, *, fields: Sequence[Offer] = ()) -> None:
        super().__init__(attrs, config={"extensions": editing.EXTENSIONS}, preset="configurable")
        self.fields = fields

    @property
    def media(self) -> Media:
        own = Media(
            css={"all": [f"newsletter/{name}.css" for name in STYLES]}, importmap=ImportMap(editing.IMPORTS)
        )
        media: Media = super().media + own
        return media

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        described = context["widget"]["attrs"]
        if self.fields:
            described.setdefault("data-fields", json.dumps(list(self.fields)))
        described.setdefault("data-upload-url", reverse("admin:newsletter_picture_upload"))
        return context
