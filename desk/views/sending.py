"""The page on which an issue is planned: when, to whom, what stands in the way, and one sentence before the button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from delivery import audience, notices, planning, preflight, proofing
from delivery.models import Plan
from desk import forecast, timing
from newsletter import faces, team
from newsletter.adminsite import site
from newsletter.models import Issue
from newsletter.team import Right
from subscribers import counting

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from delivery.audience import Outlook

REMEMBERED = 12  # plans that the page tells of


@staff_member_required
@never_cache
@require_safe
def send(request: HttpRequest, issue_id: int) -> HttpResponse:
    issue = issue_for(request, issue_id)
    if dispatch := issue.dispatches.order_by("pk").first():
        return redirect("delivery:dispatch", dispatch.pk)
    if issue.status in {Issue.Status.SENT, Issue.Status.WITHDRAWN}:
        messages.info(request, _("This issue is no longer a draft, so it cannot be sent."))
        return redirect("admin:newsletter_issue_change", issue.pk)
    with timezone.override(issue.newsletter.time_zone):
        context = site.each_context(request) | _context(request, issue) | {"title": _("Send")}
        return render(request, "desk/send.html", context)


def issue_for(request: HttpRequest, issue_id: int) -> Issue:
    """For who may write in it: they may ask. What else they may, the verbs decide."""
    found = Issue.objects.select_related("newsletter", "edited_by")
    issue = get_object_or_404(found, pk=issue_id)
    if not any(team.may(request.user, right, issue) for right in (Right.WRITE, Right.SEND)):
        raise PermissionDenied
    return issue


def _context(request: HttpRequest, issue: Issue) -> dict[str, Any]:
    standing = timing.standing(issue)
    passed = standing is not None and standing.has_passed and not standing.plan.approved_at
    if standing is None or passed or "change" in request.GET:
        shown = _choice(request, issue, standing)
    else:
        shown = _planned(request, issue, standing)
    user: Any = request.user
    proof = proofing.latest(issue)
    return shown | {
        "issue": issue,
        "newsletter": issue.newsletter,
        "zone": issue.newsletter.time_zone,
        "standing": standing,
        "seen": faces.fingerprint(issue),
        "alone": planning.decides_alone(issue.newsletter, user),
        "may_send": team.may(user, Right.SEND, issue),
        "proof": proof,
        "proof_is_stale": proof is not None and proofing.is_stale(proof, issue),
        "history": history(issue),
    }


def _choice(request: HttpRequest, issue: Issue, standing: timing.Standing | None) -> dict[str, Any]:
    newsletter, now = issue.newsletter, timezone.now()
    offers = timing.offered(newsletter, now=now)
    planned = standing.plan.at if standing and not standing.has_passed else None
    chosen = timing.chosen(request.GET, newsletter, now=now, offers=offers, default=planned)
    is_settled = standing is not None and chosen.at == standing.plan.at and not standing.has_passed
    outlook = _outlook(issue, at=chosen.at, now=now)
    return _about(issue, at=chosen.at, readers=outlook.readers, outlook=outlook, now=now) | {
        "phase": "choose",
        "offers": offers,
        "chosen": chosen,
        "is_settled": is_settled,
        "silence": _silence(issue, user=request.user, asked_by=request.user),
    }


def _planned(request: HttpRequest, issue: Issue, standing: timing.Standing) -> dict[str, Any]:
    plan = standing.plan
    user: Any = request.user
    now = timezone.now()
    outlook = _outlook(issue, at=plan.at, now=now)
    about = _about(issue, at=plan.at, readers=plan.readers, outlook=outlook, now=now)
    if plan.approved_at:
        return about | {"phase": "planned"}
    return about | {
        "phase": "waiting",
        "objection": planning.objection(plan, user),
        "is_mine": plan.asked_by_id == user.pk,
        "silence": _silence(issue, user=user, asked_by=plan.asked_by),
        "readers_now": outlook.readers,
    }


def _silence(issue: Issue, *, user: Any, asked_by: Any) -> str:
    """Where somebody else than this user has to approve it: why nobody is told of that, if nobody is."""
    if planning.decides_alone(issue.newsletter, user):
        return ""
    return notices.silence(Plan(issue=issue, asked_by=asked_by))


def _outlook(issue: Issue, *, at: datetime | None, now: datetime) -> Outlook:
    """To how many it goes if it begins then, by the readers there are now."""
    readership = counting.readership(issue.newsletter)
    return audience.outlook(issue, at=at or now + planning.undo_time(), readership=readership)


def _about(
    issue: Issue, *, at: datetime | None, readers: int, outlook: Outlook, now: datetime
) -> dict[str, Any]:
    """Who gets it, by what, until when; and what the checks say of that time."""
    newsletter = issue.newsletter
    begin = at or now + planning.undo_time()
    last = audience.before(issue, at=begin)
    difference = None if last is None else readers - last.readers
    expected = forecast.forecast(newsletter, readers=readers, begin=begin, but_for=issue)
    return {
        "at": at,
        "when": timing.in_words(at, now=now) if at else "",
        "until": timing.finish_in_words(expected.finish, begin=begin) if expected.finish else "",
        "readers": readers,
        "outlook": outlook,
        "difference": difference,
        "fewer": max(0, -(difference or 0)),
        "forecast": expected,
        "report": preflight.report(issue, begin),
        "begin": begin,
        "undo_seconds": round(planning.undo_time().total_seconds()),
    }


def history(issue: Issue) -> list[dict[str, Any]]:
    """Who asked, approved and took back, the latest first."""
    plans = issue.plans.select_related("asked_by", "approved_by", "ended_by")[:REMEMBERED]
    return [line for plan in plans for line in _lines(plan)]


def _lines(plan: Plan) -> list[dict[str, Any]]:
    found = []
    if plan.ended_at:
        found.append({"at": plan.ended_at, "words": plan.ended_because})
    is_one = plan.approved_at and plan.approved_at == plan.asked_at
    if plan.approved_at and not is_one:
        words = _("%(who)s approved it.") % {"who": planning.name(plan.approved_by)}
        found.append({"at": plan.approved_at, "words": words})
    found.append({"at": plan.asked_at, "words": _wish(plan, is_one=bool(is_one))})
    return found


def _wish(plan: Plan, *, is_one: bool) -> str:
    """What was asked for. With the approval a moment is written down for "at once", too: the end of the undo minute."""
    who = {"who": planning.name(plan.asked_by)}
    is_at_once = plan.approved_at and plan.at and plan.at <= plan.approved_at + planning.undo_time()
    if plan.at is None or is_at_once:
        words = (
            _("%(who)s pressed Send now.")
            if is_one
            else _("%(who)s asked for approval, for as soon as it has it.")
        )
        return words % who
    words = (
        _("%(who)s planned it for %(when)s.") if is_one else _("%(who)s asked for approval, for %(when)s.")
    )
    return words % (who | {"when": timing.in_words(plan.at, now=plan.asked_at)})
