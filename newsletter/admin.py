from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.forms import CheckboxSelectMultiple
from django.middleware.csp import get_nonce
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from js_asset.media import Media

from newsletter.adminsite import ModelAdmin, register
from newsletter.forms import IssueForm, NewsletterForm
from newsletter.models import Issue, Newsletter

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@register(Newsletter)
class NewsletterAdmin(ModelAdmin):
    form = NewsletterForm
    actions = None  # deleted one by one, if at all
    formfield_overrides = {models.ManyToManyField: {"widget": CheckboxSelectMultiple}}
    list_display = ["name", "tagline", "sender_email", "active_readers"]
    prepopulated_fields = {"slug": ["name"]}
    fieldsets = [
        (None, {"fields": ["name", "slug", "tagline", "description"]}),
        (_("Sender"), {"fields": ["sender_name", "sender_email", "reply_to", "postal_address"]}),
        (_("Look and language"), {"fields": ["accent", "language", "time_zone"]}),
        (_("Readers"), {"fields": ["shows_reader_count", "active_readers"]}),
        (_("Your team"), {"fields": ["owners"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Newsletter | None = None) -> list[str]:
        """Where a newsletter lives is in the mails that went out: it stays there."""
        has_sent = obj is not None and obj.issues.public().exists()
        return ["active_readers", "slug"] if has_sent else ["active_readers"]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Newsletter | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    def has_delete_permission(self, request: HttpRequest, obj: Newsletter | None = None) -> bool:
        is_empty = obj is None or not obj.issues.exists()
        return is_empty and super().has_delete_permission(request, obj)


@register(Issue)
class IssueAdmin(ModelAdmin):
    form = IssueForm
    actions = None  # deleted one by one: most of a list went out, and those stay
    # Where "Send…" leads after saving: the name of a page that gets the issue's key. Sending is above content, so
    # delivery.admin says which; without it there is no such button.
    send_page = ""
    plain_selects = ["newsletter"]
    view_on_site = False  # drafts have no page; the template links the page of those that do
    list_display = ["subject", "newsletter", "status", "published_at"]
    list_filter = ["status", "newsletter"]
    list_select_related = ["newsletter"]
    search_fields = ["subject", "slug"]
    show_full_result_count = False
    prepopulated_fields = {"slug": ["subject"]}
    fieldsets = [
        (None, {"fields": ["newsletter", "subject", "preheader", "body", "version"]}),
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

    def response_add(
        self, request: HttpRequest, obj: Issue, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._send(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Issue) -> HttpResponse:
        return self._send(request, obj) or super().response_change(request, obj)

    def _send(self, request: HttpRequest, obj: Issue) -> HttpResponse | None:
        """ "Send…" saves first, so that what goes out is what stands in the form."""
        return redirect(self.send_page, obj.pk) if self.send_page and "_send" in request.POST else None

    def save_model(self, request: HttpRequest, obj: Issue, form: Any, change: bool) -> None:
        """Only what was changed here: a form that was opened before the issue went out must not call it back."""
        if change:
            changed = [name for name in form.changed_data if name != "version"]
            obj.save(update_fields=[*changed, "updated_at"])
        else:
            obj.save()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # The editor's import map is an inline script; it runs only with this response's nonce.
        context["media"] = Media.from_media(context["media"], nonce=get_nonce(request))
        context["send_page"] = self.send_page
        return super().render_change_form(request, context, *args, **kwargs)
