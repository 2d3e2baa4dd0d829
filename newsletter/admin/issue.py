from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q
from django.middleware.csp import get_nonce
from django.shortcuts import redirect
from django.urls import path
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from js_asset.media import Media

from newsletter import given, history, presence, revisions
from newsletter.admin import pictures
from newsletter.admin.autosave import AutosaveAdmin, shown_time
from newsletter.admin.history import HistoryAdmin
from newsletter.adminsite import display, register
from newsletter.forms import IssueForm
from newsletter.models import Issue

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern
    from django.utils.safestring import SafeString

Status = Issue.Status
# The template that is there: the preview beside the form belongs to a higher layer.
PREVIEW_PANE = ["desk/_preview_pane.html", "admin/newsletter/issue/_nothing.html"]


class IssueList(ChangeList):
    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Issue]:
        """What people write. A digest writes itself and stands here only when it is a draft: one that was not sent."""
        found: QuerySet[Issue] = super().get_queryset(request, *args, **kwargs)
        return found.filter(Q(kind=Issue.Kind.ISSUE) | Q(status=Status.DRAFT)).defer("body")

    def get_results(self, request: HttpRequest) -> None:
        """With what became of each issue that is out, asked for once for the whole page."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        out = [issue.pk for issue in self.result_list if issue.status == Status.SENT]
        found = IssueAdmin.outcomes(out) if out and IssueAdmin.outcomes else {}
        for issue in self.result_list:
            issue.outcome = found.get(issue.pk)


@register(Issue)
class IssueAdmin(AutosaveAdmin, HistoryAdmin):
    form = IssueForm
    newsletter_path = "newsletter"
    actions = None  # deleted one by one: most of a list went out, and those stay
    # Where "Check and send…" and "Preview" lead after saving: names of pages that get the issue's key. They are above
    # content, so desk.admin says which; without them there are no such buttons.
    send_page = ""
    preview_page = ""
    # By the keys of issues that are out: (state, its words) of those that not everybody has yet. Also from above.
    outcomes: ClassVar[Callable[[Collection[int]], Mapping[int, tuple[str, str]]] | None] = None
    plain_selects = ["newsletter"]
    view_on_site = False  # drafts have no page; the template links the page of those that do
    list_display = ["subject", "newsletter", "state", "written_by", "when"]
    list_filter = ["status", "newsletter"]
    list_select_related = ["newsletter", "edited_by"]
    list_per_page = 50
    search_fields = ["subject", "slug", "authors", "tags"]
    show_full_result_count = False
    prepopulated_fields = {"slug": ["subject"]}
    fieldsets = [
        (None, {"fields": ["subject", "preheader", "body", "version"], "classes": ["writing-text"]}),
        (
            _("Details"),
            {
                "fields": ["newsletter", "slug", "cover", "cover_alt", "authors", "tags", "visibility"],
                "classes": ["writing-details"],
            },
        ),
    ]

    def get_urls(self) -> list[URLPattern]:
        upload = self.admin_site.admin_view(pictures.upload)
        return [path("picture/", upload, name="newsletter_picture_upload"), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return IssueList

    @display(description=_("status"), ordering="status")
    def state(self, issue: Issue) -> SafeString:
        outcome: tuple[str, str] | None = getattr(issue, "outcome", None)
        state, words = outcome or (issue.status, issue.get_status_display())
        return format_html('<span class="badge badge-{}">{}</span>', state, words)

    @display(description=_("author"))
    def written_by(self, issue: Issue) -> str:
        return issue.authors or presence.name(issue.edited_by)

    @display(description=_("when"), ordering="updated_at")
    def when(self, issue: Issue) -> str:
        """By the newsletter's clock."""
        zone = ZoneInfo(issue.newsletter.time_zone)
        if issue.published_at:
            is_out = getattr(issue, "outcome", None) is None  # it may be on its way, or have been stopped
            words, moment = gettext("went out %s") if is_out else gettext("began %s"), issue.published_at
        elif issue.scheduled_at:
            words, moment = gettext("goes out %s"), issue.scheduled_at
        else:
            words, moment = gettext("changed %s"), issue.updated_at
        return words % date_format(moment.astimezone(zone), "SHORT_DATETIME_FORMAT")

    def get_readonly_fields(self, request: HttpRequest, obj: Issue | None = None) -> list[str]:
        """Where an issue lives is in the mails that went out: it stays there."""
        return ["newsletter", "slug"] if obj and obj.published_at else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Issue | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The newsletter they wrote for last, and their own name."""
        initial = super().get_changeform_initial_data(request)
        user: Any = request.user
        last = (
            Issue.objects.filter(edited_by=user).order_by("-updated_at").values_list("newsletter", flat=True)
        )
        if last and "newsletter" not in initial:
            initial["newsletter"] = last[0]
        initial.setdefault("authors", user.get_full_name())
        return initial

    def has_delete_permission(self, request: HttpRequest, obj: Issue | None = None) -> bool:
        is_draft = obj is None or obj.status == Status.DRAFT
        return is_draft and super().has_delete_permission(request, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Words for an issue that was deleted meanwhile are not lost: they become a new one."""
        if request.method == "POST" and object_id and _is_deleted(object_id):
            words = _("This issue was deleted meanwhile. Your words become a new one.")
            messages.warning(request, words, fail_silently=True)
            object_id = None
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Issue, form: Any, change: bool) -> None:
        """Only what was changed here: a form that was opened before the issue went out must not call it back."""
        if not change:
            revisions.create(obj, by=request.user)
            messages.success(request, _("Saved."))
            return
        saved = revisions.save(obj, by=request.user, changes=form.written(), seen=form.seen)
        messages.success(
            request, _("Saved.") if saved else _("Saved: nothing had changed since the last time.")
        )
        if saved:
            self.say_consequences(request, obj, was=form.stored_status, saved=saved)

    def response_add(
        self, request: HttpRequest, obj: Issue, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._on(request, obj)

    def response_change(self, request: HttpRequest, obj: Issue) -> HttpResponse:
        return self._on(request, obj)

    def _on(self, request: HttpRequest, obj: Issue) -> HttpResponse:
        """Each button saves first, so that what is looked at or goes out is what stands in the form."""
        for button, page in (("_send", self.send_page), ("_preview", self.preview_page)):
            if page and button in request.POST:
                return redirect(page, obj.pk)
        return redirect("admin:newsletter_issue_change", obj.pk)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # The editor's import map is an inline script; it runs only with this response's nonce.
        context["media"] = Media.from_media(context["media"], nonce=get_nonce(request))
        context |= {
            "send_page": self.send_page,
            "preview_page": self.preview_page,
            "preview_pane": PREVIEW_PANE,
            "subtitle": None,  # the subject stands in the form
        }
        issue: Issue | None = context.get("original")
        if issue:
            context |= self._choices(request, issue, context["adminform"].form)
        return super().render_change_form(request, context, *args, **kwargs)

    def _choices(self, request: HttpRequest, issue: Issue, form: IssueForm) -> dict[str, Any]:
        """Two texts, of which a person must choose one: another's and mine, or what I kept aside earlier."""
        if theirs := form.meanwhile:
            stored = revisions.content(theirs)
            mine = revisions.keep(theirs, by=request.user, changes=form.written())
            who, at = presence.name(theirs.edited_by), shown_time(theirs.updated_at, issue=theirs)
            sections = history.compared(stored, mine.content)
            return {"conflict": {"who": who, "at": at, "number": mine.number, "sections": sections}}
        kept = revisions.kept(issue, by=request.user)
        stored = revisions.content(issue)
        saved_at = shown_time(issue.updated_at, issue=issue)
        if kept is None or form.is_bound or kept.content == stored:
            return {"saved_at": saved_at}
        at, sections = shown_time(kept.saved_at, issue=issue), history.compared(stored, kept.content)
        return {"saved_at": saved_at, "kept": {"at": at, "number": kept.number, "sections": sections}}


def _is_deleted(object_id: str) -> bool:
    return object_id.isdecimal() and not Issue.objects.filter(pk=given.number(object_id)).exists()
