"""Where every admin module gets its parts from, so that another admin would be one change here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin import TabularInline, action, display, register, site
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["ModelAdmin", "ReadOnlyAdmin", "Site", "TabularInline", "action", "display", "register", "site"]

# What an editor reaches for first stands first; Django would sort by name.
ORDER = ["newsletter", "subscribers", "delivery"]


class Site(admin.AdminSite):
    """The desk (config.apps.DeskConfig makes it the default)."""

    site_header = "Courant"
    site_title = "Courant"
    index_title = _("The desk")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        known = {label: position for position, label in enumerate(ORDER)}
        return sorted(apps, key=lambda app: known.get(app["app_label"], len(ORDER)))


class ModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    empty_value_display = ""  # a dash is read aloud, and says no more
    # Foreign keys that are only chosen here: without the pencil, plus, cross and eye of what is chosen.
    plain_selects: ClassVar[list[str]] = []

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name in self.plain_selects:
            field.widget = field.widget.widget
        return field

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Where there is only one to choose, it is chosen."""
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        for name in self.plain_selects:
            field: Any = self.opts.get_field(name)
            choices = field.related_model.objects.values_list("pk", flat=True)[:2]
            if len(choices) == 1:
                initial.setdefault(name, choices[0])
        return initial

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Called by what is listed, not "Select issue to change"."""
        title = {"title": capfirst(str(self.opts.verbose_name_plural))}
        return super().changelist_view(request, title | (extra_context or {}))


class ReadOnlyAdmin(ModelAdmin):
    """To look at: these rows are facts that only the program writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
