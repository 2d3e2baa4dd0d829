"""An issue's revisions: who wrote what and when, what differs, and the way back."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from newsletter import faces, given, history, presence, rendering, revisions
from newsletter.adminsite import ModelAdmin
from newsletter.locale import spoken_by
from newsletter.models import Issue, Revision

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

# What somebody wrote: nothing in it runs, whatever got past the sanitiser, and only our own pages may frame it.
FRAMED = (
    "sandbox; default-src 'none'; style-src 'self'; img-src 'self' https: data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
PAGE = 25  # revisions, each with its text


class HistoryAdmin(ModelAdmin):
    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "newsletter_issue_%s"
        at = "<int:pk>/revisions/"
        mine = [
            path(at, view(self.revisions_view), name=name % "revisions"),
            path(f"{at}compare/", view(self.compare_view), name=name % "compare"),
            path(f"{at}<int:number>/", view(self.revision_view), name=name % "revision"),
            path(f"{at}<int:number>/page/", view(self.revision_page_view), name=name % "revision_page"),
            path(f"{at}<int:number>/restore/", view(self.restore_view), name=name % "restore"),
            path("<int:pk>/kept/take/", view(self.take_over_view), name=name % "take_over"),
            path("<int:pk>/kept/drop/", view(self.drop_view), name=name % "drop"),
        ]
        return [*mine, *super().get_urls()]

    @method_decorator(require_GET)
    def revisions_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        issue = self._issue(request, pk)
        page = Paginator(issue.revisions.select_related("by"), PAGE).get_page(request.GET.get("page"))
        found = list(page)
        older = issue.revisions.filter(number__lt=found[-1].number).first() if found else None
        context = {"page": page, "entries": history.entries(found, older=older)}
        return self._page(request, issue, "revisions", _("Revisions"), context)

    @method_decorator(require_GET)
    def compare_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        issue = self._issue(request, pk)
        numbers = sorted(given.number(request.GET.get(name, "")) for name in ("before", "after"))
        before, after = (get_object_or_404(issue.revisions, number=each) for each in numbers)
        sections = history.compared(before.content, after.content)
        context = {"before": before, "after": after, "sections": sections}
        return self._page(request, issue, "compare", _("What changed"), context)

    @method_decorator(require_GET)
    def revision_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        issue = self._issue(request, pk)
        revision = get_object_or_404(issue.revisions.select_related("by"), number=number)
        sections = history.compared(revision.content, revisions.content(issue))
        context = {
            "revision": revision,
            "who": presence.name(revision.by),
            "sections": sections,
            "shown": history.shown(revision),
        }
        return self._page(request, issue, "revision", _("Revision %s") % number, context)

    @method_decorator(require_GET)
    def revision_page_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        """The text as a page, for a frame that runs nothing and sends nothing."""
        issue = revisions.as_of(get_object_or_404(self._issue(request, pk).revisions, number=number))
        with spoken_by(issue.newsletter):
            body = rendering.web(faces.edition(issue), faces.web_masthead(issue.newsletter))
        context = {"issue": issue, "newsletter": issue.newsletter, "body": body}
        response = render(request, "admin/newsletter/issue/revision_page.html", context)
        response.headers["Content-Security-Policy"] = FRAMED
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response

    @method_decorator(require_POST)
    def restore_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        issue = self._changeable(request, pk)
        revision = get_object_or_404(issue.revisions, number=number)
        was = issue.status
        try:
            saved = revisions.restore(revision, by=request.user, seen=_version(request))
        except revisions.Stale:
            words = _("The issue was saved meanwhile, so nothing is restored yet: please compare once more.")
            messages.warning(request, words)
            return redirect("admin:newsletter_issue_revision", pk, number)
        if saved:
            messages.success(request, _("Revision %s is what the issue says again.") % number)
            self.say_consequences(request, revision.issue, was=was, saved=saved)
        else:
            messages.info(request, _("The issue says that already."))
        return redirect("admin:newsletter_issue_change", pk)

    @method_decorator(require_POST)
    def take_over_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The very text that was offered, over the very issue it was compared with."""
        issue = self._changeable(request, pk)
        offered = self._offered(request, issue)
        was = issue.status
        try:
            saved = revisions.take_over(offered, by=request.user, seen=_version(request)) if offered else None
        except revisions.Stale:
            words = _(
                "Somebody else saved this issue meanwhile. Your text is still kept: please compare once more."
            )
            messages.warning(request, words)
            return redirect("admin:newsletter_issue_change", pk)
        if offered and saved:
            messages.success(request, _("Your text is what the issue says now."))
            self.say_consequences(request, offered.issue, was=was, saved=saved)
        else:
            messages.info(request, _("The issue says that already."))
        return redirect("admin:newsletter_issue_change", pk)

    @method_decorator(require_POST)
    def drop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        issue = self._changeable(request, pk)
        # What was written on this page since then is another text, and will be offered in its turn.
        if self._offered(request, issue) == revisions.kept(issue, by=request.user):
            revisions.drop(issue, by=request.user)
        messages.info(
            request, _("The issue stays as it is. For 30 days you find your text among its revisions.")
        )
        return redirect("admin:newsletter_issue_change", pk)

    def say_consequences(
        self, request: HttpRequest, issue: Issue, *, was: str, saved: revisions.Saved
    ) -> None:
        """What followed from a save, in words."""
        for words in saved.consequences:
            messages.warning(request, words)
        if was == Issue.Status.SCHEDULED and issue.status == Issue.Status.DRAFT and not saved.consequences:
            messages.warning(
                request,
                _("The text changed, so the schedule was taken back. Check it and schedule it again."),
            )
        if issue.status == Issue.Status.SENT:
            messages.info(
                request, _("The page on the web is corrected; mails that went out stay as they are.")
            )

    def _issue(self, request: HttpRequest, pk: int) -> Issue:
        found = self.get_queryset(request).select_related("newsletter")
        issue: Issue = get_object_or_404(found, pk=pk)
        if not self.has_view_permission(request, issue):
            raise PermissionDenied
        return issue

    def _changeable(self, request: HttpRequest, pk: int) -> Issue:
        issue = self._issue(request, pk)
        if not self.has_change_permission(request, issue):
            raise PermissionDenied
        return issue

    def _offered(self, request: HttpRequest, issue: Issue) -> Revision | None:
        """Of the texts that this person has kept aside, the one that the page showed."""
        mine = issue.revisions.filter(kind__in=Revision.ASIDE, by=request.user.pk)
        return mine.filter(number=given.number(request.POST.get("kept", ""))).first()

    def _page(
        self, request: HttpRequest, issue: Issue, template: str, title: str, context: dict[str, Any]
    ) -> HttpResponse:
        every = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "issue": issue,
            "original": issue,
            "title": title,
            "can_change": self.has_change_permission(request, issue),
        }
        return TemplateResponse(request, f"admin/newsletter/issue/{template}.html", every | context)


def _version(request: HttpRequest) -> datetime:
    """What the page was made of; a page that does not say so was made of nothing that is stored."""
    with suppress(ValueError):
        return datetime.fromisoformat(request.POST.get("version", ""))
    return datetime.min.replace(tzinfo=UTC)
