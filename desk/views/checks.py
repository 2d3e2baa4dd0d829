"""The checks before sending: what stands in the way, and who has accepted what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from delivery import preflight
from desk import timing
from newsletter import given, linkcheck, tasks, team
from newsletter.adminsite import person, site
from newsletter.models import Issue
from newsletter.team import Right

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from delivery.preflight import Finding, Report

LOOKS = 40  # at the links' progress, then the page no longer asks by itself
OF_ISSUE = {
    "subject": _("Go to the subject"),
    "preheader": _("Go to the preheader"),
    "body": _("Go to the text"),
    "cover_alt": _("Go to the cover"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding with the way to where it is mended."""

    finding: Finding
    url: str
    label: str


@staff_member_required
@never_cache
@require_safe
def check(request: HttpRequest, issue_id: int) -> HttpResponse:
    issue = _issue(request, issue_id, Right.SEE)
    with timezone.override(issue.newsletter.time_zone):
        context = site.each_context(request) | _context(request, issue) | _progress(request, issue)
        return render(request, "desk/check.html", context | {"title": _("Check")})


@staff_member_required
@never_cache
@require_safe
def findings(request: HttpRequest, issue_id: int) -> HttpResponse:
    """The part of the page that is looked at anew when the links were followed."""
    issue = _issue(request, issue_id, Right.SEE)
    with timezone.override(issue.newsletter.time_zone):
        return render(request, "desk/_check_findings.html", _context(request, issue))


@staff_member_required
@never_cache
@require_safe
def panel(request: HttpRequest, issue_id: int) -> HttpResponse:
    """How it stands in one line, for the issue's form."""
    issue = _issue(request, issue_id, Right.SEE)
    return render(request, "desk/_checks.html", {"issue": issue, "report": preflight.report(issue)})


@staff_member_required
@never_cache
@require_safe
def links(request: HttpRequest, issue_id: int) -> HttpResponse:
    """How far following the links has come: htmx asks again and again, so nothing else is looked at."""
    issue = _issue(request, issue_id, Right.SEE)
    progress = _progress(request, issue)
    response = render(request, "desk/_check_links.html", progress | {"issue": issue})
    if not progress["links_waiting"]:
        response["HX-Trigger"] = "links-followed"
    return response


@staff_member_required
@never_cache
@require_POST
def follow(request: HttpRequest, issue_id: int) -> HttpResponse:
    """Have the links followed: those that nothing is known of, or (`again`) all that were found wanting, too."""
    again = "again" in request.POST
    issue = _issue(request, issue_id, Right.WRITE if again else Right.SEE)
    asked = tasks.wake(issue.pk, again=again)
    since = asked.isoformat() if again else ""
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('desk:check', args=[issue.pk])}?{urlencode({'since': since, 'looks': 1})}")
    progress = _progress(request, issue, since=since, looks=1)
    return render(request, "desk/_check_links.html", progress | {"issue": issue})


@staff_member_required
@never_cache
@require_POST
def accept(request: HttpRequest, issue_id: int) -> HttpResponse:
    """Accept one finding by name, or (`back`) no longer."""
    issue = _issue(request, issue_id, Right.WRITE)
    code, mark = (given.words(request.POST.get(name, "")) for name in ("code", "mark"))
    if "back" in request.POST:
        preflight.take_back(issue, code=code, mark=mark)
    elif not preflight.accept(issue, code=code, mark=mark, by=person(request), at=_at(request)):
        messages.info(request, gettext("This was found otherwise now. Look at it once more."))
    query = f"?{urlencode({'at': request.POST['at']})}" if request.POST.get("at") else ""
    return redirect(f"{reverse('desk:check', args=[issue.pk])}{query}#check-{code}-{mark[:8]}")


def _issue(request: HttpRequest, issue_id: int, right: Right) -> Issue:
    issue = get_object_or_404(Issue.objects.select_related("newsletter"), pk=issue_id)
    if not team.may(request.user, right, issue):
        raise PermissionDenied
    return issue


def _at(request: HttpRequest) -> datetime | None:
    """When it is to go out, where the page that leads here knows it already."""
    return timing.moment(request.POST.get("at") or request.GET.get("at") or "")


def _context(request: HttpRequest, issue: Issue) -> dict[str, Any]:
    at = _at(request)
    report = preflight.report(issue, at)
    return {
        "issue": issue,
        "newsletter": issue.newsletter,
        "report": report,
        "sections": _sections(request, issue, report),
        "may_accept": team.may(request.user, Right.WRITE, issue),
        "at": at.isoformat() if at else "",
    }


def _sections(request: HttpRequest, issue: Issue, report: Report) -> list[dict[str, Any]]:
    """What is open, the gravest first; each with its heading."""
    sections = (
        ("blocker", gettext("In the way"), report.blockers),
        ("decision", gettext("In the way until you decide"), report.decisions),
        ("warning", gettext("To look at"), report.warnings),
    )
    return [
        {"level": level, "title": title, "rows": [_shown(request, issue, each) for each in found]}
        for level, title, found in sections
        if found
    ]


def _shown(request: HttpRequest, issue: Issue, finding: Finding) -> Shown:
    """Nobody is sent to a page that is closed to them: then a publisher has to be asked."""
    where, _dot, name = finding.field.partition(".")
    if where in OF_ISSUE:
        return Shown(finding, f"{_change('newsletter_issue', issue.pk)}#id_{where}", str(OF_ISSUE[where]))
    if where == "newsletter" and team.may(request.user, Right.SETTINGS, issue):
        url = f"{_change('newsletter_newsletter', issue.newsletter_id)}#id_{name}"
        return Shown(finding, url, gettext("Go to the newsletter's settings"))
    if where == "newsletter":
        return Shown(finding, "", gettext("Ask a publisher: it is one of the newsletter's settings."))
    if where == "readers" and team.may(request.user, Right.READERS, issue):
        url = f"{reverse('admin:subscribers_subscription_changelist')}?newsletter__id__exact={issue.newsletter_id}"
        return Shown(finding, url, gettext("Look at the readers"))
    if where == "test":
        return Shown(finding, reverse("desk:test", args=[issue.pk]), gettext("Send a test mail"))
    return Shown(finding, "", "")


def _change(model: str, pk: int) -> str:
    return reverse(f"admin:{model}_change", args=[pk])


def _progress(
    request: HttpRequest, issue: Issue, *, since: str | None = None, looks: int | None = None
) -> dict[str, Any]:
    """How many links are still waited for, and whether the page asks again."""
    since = request.GET.get("since", "") if since is None else since
    looks = given.number(request.GET.get("looks", ""), digits=3) if looks is None else looks
    known = linkcheck.of(issue)
    waiting = len(known.unanswered(timing.moment(since)))
    return {
        "links": len(known.followed),
        "links_waiting": waiting,
        "links_done": len(known.followed) - waiting,
        "links_answering": known.answering,
        "is_asking": bool(waiting) and looks < LOOKS,
        "is_first_look": looks == 0,
        "may_ask_again": team.may(request.user, Right.WRITE, issue),
        "next_look": urlencode({"since": since, "looks": looks + 1}),
    }
