from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q
from django.forms import CheckboxSelectMultiple
from django.urls import path
from django.utils.translation import gettext_lazy as _

from newsletter.admin import team
from newsletter.adminsite import ModelAdmin, StackedInline, register
from newsletter.forms import NewsletterForm, ReaderFieldForm, ReaderFieldFormSet, UsualTimeForm
from newsletter.models import Newsletter, ReaderField, UsualTime

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.urls import URLPattern


class UsualTimes(StackedInline):
    model = UsualTime
    form = UsualTimeForm
    newsletter_path = "newsletter"
    extra = 0
    verbose_name_plural = _("When issues usually go out")
    fields: ClassVar[Any] = [("days", "time")]


class ReaderFields(StackedInline):
    model = ReaderField
    form = ReaderFieldForm
    formset = ReaderFieldFormSet
    newsletter_path = "newsletter"
    extra = 0
    verbose_name_plural = _("What is known of each reader, asked at sign-up, and said in issues")
    fields: ClassVar[Any] = [
        ("label", "name", "fallback"),
        "kind",
        "choices",
        ("is_asked", "is_required"),
        "position",
    ]


@register(Newsletter)
class NewsletterAdmin(ModelAdmin):
    form = NewsletterForm
    newsletter_path = "pk"
    actions = None  # deleted one by one, if at all
    formfield_overrides = {models.ManyToManyField: {"widget": CheckboxSelectMultiple}}
    list_display = ["name", "tagline", "sender_email", "active_readers"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [UsualTimes, ReaderFields]
    fieldsets = [
        (None, {"fields": ["name", "slug", "tagline", "description"]}),
        (_("Sender"), {"fields": ["sender_name", "sender_email", "reply_to", "postal_address"]}),
        (_("Look and language"), {"fields": ["accent", "language", "time_zone"]}),
        (
            _("Signing up"),
            {"fields": ["confirms_by_mail", "consent_words", "shows_reader_count", "active_readers"]},
        ),
        (
            _("How often readers may choose to get it"),
            {"fields": ["offers_weekdays", ("digest_day", "digest_time")]},
        ),
        (
            _("Leaving, and what is forgotten when"),
            {
                "fields": [
                    "says_goodbye",
                    "forgets_unconfirmed_after",
                    "forgets_left_after",
                    "forgets_networks_after",
                ],
            },
        ),
        (_("Before an issue goes out, and while it does"), {"fields": ["needs_second_person", "owners"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        wrapped = self.admin_site.admin_view
        name = "newsletter_newsletter"
        return [
            path("<int:newsletter_id>/team/", wrapped(team.people), name=f"{name}_team"),
            path(
                "<int:newsletter_id>/team/<int:member_id>/role/",
                wrapped(team.change_role),
                name=f"{name}_member_role",
            ),
            path(
                "<int:newsletter_id>/team/<int:member_id>/remove/",
                wrapped(team.remove),
                name=f"{name}_member_remove",
            ),
            path(
                "<int:newsletter_id>/team/<int:member_id>/invite/",
                wrapped(team.invite_again),
                name=f"{name}_member_invite",
            ),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Newsletter | None = None) -> list[str]:
        """Where a newsletter lives is in the mails that went out: it stays there."""
        has_sent = obj is not None and obj.issues.public().exists()
        return ["active_readers", "slug"] if has_sent else ["active_readers"]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Newsletter | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Told of trouble can be who is in the team; whom else an installation has is for superusers to know."""
        form = super().get_form(request, obj, change, **kwargs)
        owners: Any = form.base_fields.get("owners")
        if owners and not getattr(request.user, "is_superuser", False):
            known = (
                Q(memberships__newsletter=obj) | Q(pk__in=obj.owners.all()) if obj else Q(pk=request.user.pk)
            )
            users = get_user_model().objects.filter(known, is_active=True, is_staff=True)
            owners.queryset = users.distinct().order_by("username")
        return form

    def has_delete_permission(self, request: HttpRequest, obj: Newsletter | None = None) -> bool:
        is_empty = obj is None or not obj.issues.exists()
        return is_empty and super().has_delete_permission(request, obj)
