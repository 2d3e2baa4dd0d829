from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from delivery.models import Attempt, Batch, Delivery, Dispatch
from newsletter.admin import IssueAdmin
from newsletter.adminsite import ReadOnlyAdmin, display, register

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

IssueAdmin.send_page = "delivery:send"


@register(Dispatch)
class DispatchAdmin(ReadOnlyAdmin):
    list_display = ["subject", "state", "audience_size", "started_at", "finished_at", "balance"]
    list_filter = ["state"]
    show_full_result_count = False
    fields = [
        "issue",
        "state",
        "reason",
        "audience_size",
        "mailer",
        "batch_size",
        "started_by",
        "started_at",
        "finished_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dispatch]:
        return super().get_queryset(request).defer("html", "text")

    @display(description=_("balance line"))
    def balance(self, dispatch: Dispatch) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("delivery:dispatch", args=[dispatch.pk]), _("Watch")
        )


@register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ["dispatch", "number", "state", "tries", "lease_until", "not_before"]
    list_filter = ["state"]
    list_select_related = ["dispatch"]
    show_full_result_count = False


@register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ["batch", "fence", "outcome", "detail", "started_at", "ended_at"]
    list_filter = ["outcome"]
    list_select_related = ["batch"]
    show_full_result_count = False
    ordering = ["-pk"]


@register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Who got it, row by row."""

    list_display = ["reader", "dispatch", "state", "reason", "detail", "settled_at"]
    list_filter = ["state", "reason"]
    list_select_related = ["dispatch", "subscription__subscriber"]
    search_fields = ["subscription__subscriber__email__startswith"]
    search_help_text = _("The beginning of an address.")
    show_full_result_count = False
    ordering = ["-pk"]
    fields = [
        "dispatch",
        "subscription",
        "batch",
        "attempt",
        "state",
        "reason",
        "detail",
        "provider_id",
        "settled_at",
    ]

    @display(description=_("reader"))
    def reader(self, delivery: Delivery) -> str:
        return delivery.subscription.subscriber.email if delivery.subscription else str(_("(deleted)"))
