"""What is pressed on the send page. Each form says what stood on its page, so that nothing else can come of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from delivery import planning, tasks
from delivery.exceptions import AlreadyDispatched
from delivery.models import Plan
from desk import timing
from desk.views.sending import issue_for
from newsletter import given

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from newsletter.models import Issue

LONGEST_WORDS = 1000


@staff_member_required
@never_cache
@require_POST
def ask(request: HttpRequest, issue_id: int) -> HttpResponse:
    """Plan it, or ask for that; in place of what was planned, where that stood on the page."""
    issue, user = issue_for(request, issue_id), _user(request)
    return _answer(
        request, issue, lambda seen: planning.ask(issue, seen=seen, by=user), again=_chosen(request)
    )


@staff_member_required
@never_cache
@require_POST
def approve(request: HttpRequest, issue_id: int) -> HttpResponse:
    issue, user = issue_for(request, issue_id), _user(request)
    return _answer(request, issue, lambda seen: planning.approve(issue, seen=seen, by=user))


@staff_member_required
@never_cache
@require_POST
def withdraw(request: HttpRequest, issue_id: int) -> HttpResponse:
    """Undo, take back, decline."""
    issue, user = issue_for(request, issue_id), _user(request)
    words = given.words(request.POST.get("words", ""))[:LONGEST_WORDS]

    def verb(seen: planning.Seen) -> Plan:
        plan = planning.withdraw(issue, plan_id=seen.plan_id or 0, by=user, words=words)
        messages.success(request, _("It is a draft again. Nothing was sent."))
        return plan

    return _answer(request, issue, verb)


def _chosen(request: HttpRequest) -> str:
    """The send page with what was chosen on it, so that whoever is refused need not choose once more."""
    written = request.POST.get("at", "")
    at = timing.moment(written)
    if written and at is None:
        return ""
    chosen = {"when": at.isoformat() if at else timing.NOW}
    return "?" + urlencode(chosen | ({"change": "1"} if request.POST.get("plan") else {}))


def _answer(
    request: HttpRequest, issue: Issue, verb: Callable[[planning.Seen], Plan], *, again: str = ""
) -> HttpResponse:
    """`again`: with what the page is asked for when it is refused."""
    try:
        plan = verb(_seen(request))
    except AlreadyDispatched as earlier:
        messages.info(request, _("It has begun to go out. You can pause or stop it here."))
        return redirect("delivery:dispatch", earlier.dispatch_id)
    except (
        planning.PlannedAlready
    ) as earlier:  # the second of two clicks: the page shows what the first one did
        messages.info(request, str(earlier))
    except planning.Refused as problem:
        messages.error(request, str(problem))
        return redirect(reverse("desk:send", args=[issue.pk]) + again)
    else:
        if plan.news:
            tasks.wake_notices(plan.pk)
    return redirect("desk:send", issue.pk)


def _seen(request: HttpRequest) -> planning.Seen:
    written = request.POST.get("at", "")
    at = timing.moment(written)
    if written and at is None:  # never to be read as "now"
        raise planning.Refused(_("That is no time. Choose it once more."))
    return planning.Seen(
        content_hash=request.POST.get("seen", ""),
        at=at,
        readers=given.number(request.POST.get("readers", ""), digits=9),  # as large as its column
        plan_id=given.number(request.POST.get("plan", "")) or None,
    )


def _user(request: HttpRequest) -> Any:
    return request.user  # staff are users
