"""Where every admin module gets its parts from, so that another admin would be one change here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin, TabularInline, action, display, register, site

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["ModelAdmin", "ReadOnlyAdmin", "TabularInline", "action", "display", "register", "site"]


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """To look at: these rows are facts that only the program writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
