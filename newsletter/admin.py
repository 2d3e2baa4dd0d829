from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.middleware.csp import get_nonce
from django.utils.translation import gettext_lazy as _
from js_asset.media import Media

from newsletter.adminsite import ModelAdmin, register
from newsletter.forms import IssueForm
from newsletter.models import Issue, Newsletter

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@register(Newsletter)
class NewsletterAdmin(ModelAdmin):
    list_display = ["name", "tagline", "sender_email", "active_readers"]
    prepopulated_fields = {"slug": ["name"]}
    fieldsets = [
        (None, {"fields": ["name", "slug", "tagline", "description"]}),
        (_("Sender"), {"fields": ["sender_name", "sender_email", "reply_to", "postal_address"]}),
        (_("Look and language"), {"fields": ["accent", "language", "time_zone"]}),
        (_("Readers"), {"fields": ["shows_reader_count", "active_readers"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Newsletter | None = None) -> list[str]:
        """Where a newsletter lives is in the mails that went out: it stays there."""
        has_sent = obj is not None and obj.issues.public().exists()
        return ["active_readers", "slug"] if has_sent else ["active_readers"]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Newsletter | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields


@register(Issue)
class IssueAdmin(ModelAdmin):
    form = IssueForm
    view_on_site = False  # drafts have no page; the template links the page of those that do
    list_display = ["subject", "newsletter", "status", "published_at"]
    list_filter = ["status", "newsletter"]
    list_select_related = ["newsletter"]
    search_fields = ["subject", "slug"]
    show_full_result_count = False
    prepopulated_fields = {"slug": ["subject"]}
    fieldsets = [
        (None, {"fields": ["newsletter", "subject", "preheader", "body"]}),
        (_("Details"), {"fields": ["slug", "authors"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Issue | None = None) -> list[str]:
        """Where an issue lives is in the mails that went out: it stays there."""
        return ["newsletter", "slug"] if obj and obj.published_at else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Issue | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    def has_delete_permission(self, request: HttpRequest, obj: Issue | None = None) -> bool:
        is_draft = obj is None or obj.status == Issue.Status.DRAFT
        return is_draft and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Issue, form: Any, change: bool) -> None:
        """Only what was changed here: a form that was opened before the issue went out must not call it back."""
        if change:
            obj.save(update_fields=[*form.changed_data, "updated_at"])
        else:
            obj.save()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # The editor's import map is an inline script; it runs only with this response's nonce.
        context["media"] = Media.from_media(context["media"], nonce=get_nonce(request))
        return super().render_change_form(request, context, *args, **kwargs)
