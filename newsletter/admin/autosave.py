"""What the page of the issue form says and asks while somebody writes (static/newsletter/autosave.js, presence.js)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import JsonResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from newsletter import given, presence, revisions
from newsletter.adminsite import ModelAdmin
from newsletter.models import Issue, Revision

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest
    from django.urls import URLPattern

    from newsletter.forms import IssueForm

Said = dict[str, Any]


def shown_time(moment: datetime, *, issue: Issue) -> str:
    """By the newsletter's clock; with the day when it was another."""
    zone = ZoneInfo(issue.newsletter.time_zone)
    here, stored = moment.astimezone(zone), issue.updated_at.astimezone(zone)
    return f"{here:%H:%M}" if here.date() == stored.date() else date_format(here, "DATETIME_FORMAT")


def _tab(request: HttpRequest) -> str:
    return given.words(request.POST.get("tab", ""))[:36]


def _urls(issue: Issue) -> dict[str, str]:
    """For a page that was the form of a new issue, and is this issue's from now on."""
    names = {"url": "change", "autosave": "autosave", "presence": "presence"}
    return {key: reverse(f"admin:newsletter_issue_{name}", args=[issue.pk]) for key, name in names.items()}


class AutosaveAdmin(ModelAdmin):
    """The endpoints of a page that saves by itself. Answers are JSON, also the bad ones."""

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "newsletter_issue_%s"
        mine = [
            path("autosave/", view(self.autosave_view), name=name % "autosave"),
            path("<int:pk>/autosave/", view(self.autosave_view), name=name % "autosave"),
            path("<int:pk>/presence/", view(self.presence_view), name=name % "presence"),
        ]
        return [*mine, *super().get_urls()]

    @method_decorator(require_POST)
    def autosave_view(self, request: HttpRequest, pk: int | None = None) -> JsonResponse:
        with transaction.atomic():
            issue = self._open(request, pk) if pk else self._made(request)
            if pk and issue is None:
                words = _(
                    "This issue was deleted. Your words are still here: Save makes a new issue of them."
                )
                return JsonResponse({"gone": words}, status=404)
            data = request.POST.copy()
            if issue and not pk and presence.saw(issue, by=request.user, tab=_tab(request)):
                data["version"] = issue.updated_at.isoformat()  # of which that page never heard
            form: Any = self.get_form(request, issue, change=issue is not None)(data, instance=issue)
            form.is_valid()
            answer, status = self._written(request, form) if issue else self._added(request, form)
            if issue and not pk and status == 200:
                presence.seen(issue, by=request.user, tab=_tab(request))
        return JsonResponse(answer if pk or issue is None else answer | _urls(issue), status=status)

    @method_decorator(require_POST)
    def presence_view(self, request: HttpRequest, pk: int) -> JsonResponse:
        issue = self._open(request, pk)
        if issue is None:
            return JsonResponse({"others": []}, status=404)
        tab = _tab(request)
        if "gone" in request.POST:
            presence.gone(issue, by=request.user, tab=tab)
            return JsonResponse({"others": []})
        presence.seen(issue, by=request.user, tab=tab)
        others = presence.others(issue, by=request.user, tab=tab)
        return JsonResponse({"others": [self._other(each, issue) for each in others]})

    def _open(self, request: HttpRequest, pk: int) -> Issue | None:
        """None where it is not, or not theirs to see."""
        issue = self.get_queryset(request).select_related("newsletter").filter(pk=pk).first()
        if issue and not self.has_change_permission(request, issue):
            raise PermissionDenied
        return issue

    def _made(self, request: HttpRequest) -> Issue | None:
        """Of a page whose first save arrived while its answer was lost: the page tries again, and means this issue."""
        tab = _tab(request)
        if not tab:
            return None
        presence.hold(request.user)
        pk = presence.issue_of(tab, by=request.user)
        return self._open(request, pk) if pk else None

    def _added(self, request: HttpRequest, form: IssueForm) -> tuple[Said, int]:
        """The first words of a new issue, once it has a subject and a place."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        written = form.written()
        if not {"newsletter", "subject", "slug"} <= written.keys():
            return {"waits": _("Not saved yet: it needs a subject.")}, 200
        if not self.has_add_permission(request, written["newsletter"]):
            raise PermissionDenied
        issue = Issue(**written)
        revisions.create(issue, by=request.user, kind=Revision.Kind.AUTOSAVED)
        if tab := _tab(request):
            presence.seen(issue, by=request.user, tab=tab)
        return self._said(issue, form) | _urls(issue), 200

    def _written(self, request: HttpRequest, form: IssueForm) -> tuple[Said, int]:
        issue, written = form.instance, form.written()
        goes_on = given.number(request.POST.get("goes_on", ""))
        if form.meanwhile or form.is_settled:
            aside = revisions.keep(issue, by=request.user, changes=written, goes_on=goes_on)
            said = self._said(issue, form) | {"kept": aside.number, "slug": aside.content["slug"]}
            return (said | self._conflict(form.meanwhile), 409) if form.meanwhile else (said, 200)
        saved = revisions.save(
            issue, by=request.user, changes=written, kind=Revision.Kind.AUTOSAVED, seen=form.seen
        )
        return self._said(issue, form) | {"notes": list(saved.consequences) if saved else []}, 200

    def _said(self, issue: Issue, form: IssueForm) -> Said:
        issue.refresh_from_db(fields=["updated_at", "slug"])
        return {
            "at": shown_time(issue.updated_at, issue=issue),
            "version": issue.updated_at.isoformat(),
            "slug": issue.slug,
            "errors": {name: list(errors) for name, errors in form.errors.items() if name != "__all__"},
        }

    def _conflict(self, stored: Issue) -> Said:
        who = presence.name(stored.edited_by) or _("Somebody")
        words = _("%(who)s saved this issue at %(time)s. Yours is kept, and no longer saved by itself.")
        return {"conflict": words % {"who": who, "time": shown_time(stored.updated_at, issue=stored)}}

    def _other(self, other: presence.Other, issue: Issue) -> str:
        since = shown_time(other.since, issue=issue)
        if other.is_self:
            return _("You have this open in another tab, since %(since)s.") % {"since": since}
        if other.changed_at is None:
            return _("%(who)s has this open since %(since)s.") % {"who": other.name, "since": since}
        return _("%(who)s has this open since %(since)s, last change %(changed)s.") % {
            "who": other.name,
            "since": since,
            "changed": shown_time(other.changed_at, issue=issue),
        }
