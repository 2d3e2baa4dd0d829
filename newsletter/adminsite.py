"""Where every admin module gets its parts from, so that another admin would be one change here.

Whoever has a part in some newsletters sees and touches what is theirs, and nothing of the others.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin import RelatedFieldListFilter, ShowFacets, action, display, register, site
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.auth import get_permission_codename
from django.core import paginator
from django.http import Http404, HttpResponseRedirect
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from newsletter import team
from newsletter.models import Newsletter

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern, URLResolver

__all__ = [
    "ModelAdmin",
    "Paginator",
    "ReadOnlyAdmin",
    "Site",
    "StackedInline",
    "TabularInline",
    "action",
    "display",
    "person",
    "register",
    "site",
]

# What an editor reaches for first stands first; Django would sort by name.
APPS = ["newsletter", "subscribers", "delivery"]
MODELS = ["Issue", "Newsletter", "Subscription", "Subscriber", "Suppression", "Dispatch", "Delivery"]


def person(request: HttpRequest) -> User:
    """Who is at the desk. Behind the admin's own doors nobody is anonymous, which its types cannot say."""
    return cast("User", request.user)


class Site(admin.AdminSite):
    """The desk (config.apps.DeskConfig makes it the default)."""

    site_header = "Courant"
    site_title = "Courant"
    index_title = _("The desk")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["models"].sort(key=lambda model: _place(model["object_name"], MODELS))
        return sorted(apps, key=lambda app: _place(app["app_label"], APPS))

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Without the page that tells every row's address on the site to everybody who may log in."""
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]


def _place(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)


class Paginator(paginator.Paginator):  # type: ignore[type-arg]  # generic in the stubs only
    """Counts no further than anybody leafs: to count a million rows takes longer than to show a hundred of them."""

    most = 10_000

    @cached_property
    def count(self) -> int:
        return min(self._found, self.most)

    @property
    def has_more(self) -> bool:
        return self._found > self.most

    @cached_property
    def _found(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.most + 1].count())


class NewsletterFilter(RelatedFieldListFilter):
    """Offers the newsletters of whoever looks."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        found = team.newsletters(request.user, model_admin.permission("view"))
        return list(found.values_list("pk", "name"))


class OfTeams(BaseModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Asks with the row at hand, and lists only rows of which something may be asked."""

    # How a query gets from a row to its newsletter ("pk" from a newsletter itself). Empty: its rows belong to none,
    # and only Django's own permissions, or a role somewhere, count.
    newsletter_path: ClassVar[str] = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.within(request, super().get_queryset(request), "view", "change")

    def within(self, request: HttpRequest, rows: QuerySet[Any], *verbs: str) -> QuerySet[Any]:
        """The rows with which they may do one of these."""
        ids = team.newsletter_ids(request.user, *map(self.permission, verbs))
        return rows if ids is None or not self.newsletter_path else self.of(rows, ids)

    def of(self, rows: QuerySet[Any], ids: list[int]) -> QuerySet[Any]:
        return rows.filter(**{f"{self.newsletter_path}__in": ids})

    def permission(self, verb: str) -> str:
        return f"{self.opts.app_label}.{get_permission_codename(verb, self.opts)}"

    def may(self, request: HttpRequest, verb: str, obj: Any = None) -> bool:
        of = obj if self.newsletter_path else None
        return bool(request.user.has_perm(self.permission(verb), of))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "add", obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "delete", obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "view", obj) or self.may(request, "change", obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A newsletter is chosen among those where they may add what they are about to write."""
        if db_field.remote_field.model is Newsletter:
            kwargs.setdefault("queryset", team.newsletters(request.user, self.permission("add")))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class TabularInline(OfTeams, admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    pass


class StackedInline(OfTeams, admin.StackedInline):  # type: ignore[type-arg]  # generic in the stubs only
    pass


class ModelAdmin(OfTeams, admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    empty_value_display = ""  # a dash is read aloud, and says no more
    paginator = Paginator
    show_full_result_count = False
    list_per_page = 50
    show_facets = ShowFacets.NEVER  # each choice of a filter would be counted, over a million rows
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
            field: Any = self.formfield_for_foreignkey(self.opts.get_field(name), request)
            choices = field.queryset.values_list("pk", flat=True)[:2]
            if len(choices) == 1:
                initial.setdefault(name, choices[0])
        return initial

    def get_list_filter(self, request: HttpRequest) -> Any:
        filters = super().get_list_filter(request)
        return [(each, NewsletterFilter) if each == "newsletter" else each for each in filters]

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """Straight to the page: see Site.get_urls."""
        has_page = obj is not None and self.view_on_site is True and hasattr(obj, "get_absolute_url")
        return str(obj.get_absolute_url()) if has_page else None

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        """What is not there and what is another team's look the same."""
        raise Http404

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Called by what is listed, not "Select issue to change". What no database can hold is not looked for."""
        if any("\0" in value for values in request.GET.lists() for value in values[1]):
            return HttpResponseRedirect(request.path)
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
