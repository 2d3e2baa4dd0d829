"""The desk's pages for sending: one sentence and one button, then the balance line while it goes out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from delivery import control, gateway, preparation, progress, tasks
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Dispatch
from newsletter.adminsite import site
from newsletter.models import Issue
from subscribers import counting

if TYPE_CHECKING:
    from django.http import HttpRequest

may_send = permission_required("delivery.add_dispatch", raise_exception=True)
may_watch = permission_required("delivery.view_dispatch", raise_exception=True)
# The balance of a big dispatch is a query of 0.1 s: however many pages watch it, a web process asks once in this time.
BALANCE_SECONDS = 2
CONTROLS = {"pause": control.pause, "resume": control.resume, "stop": control.stop}


@staff_member_required
@may_send
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def send(request: HttpRequest, issue_id: int) -> HttpResponse:
    issue = get_object_or_404(Issue.objects.select_related("newsletter"), pk=issue_id)
    if request.method == "POST":
        return _start(request, issue)
    if dispatch := issue.dispatches.first():
        return redirect("delivery:dispatch", dispatch.pk)
    checks = preparation.checks(issue)
    context = {
        "issue": issue,
        "newsletter": issue.newsletter,
        "audience": counting.readers(issue.newsletter),
        "mailer_name": _mailer_name(preparation.MAILER),
        "checks": checks,
        "approved": preparation.fingerprint(issue),
        "can_send": all(check.level == "ok" for check in checks),
        "title": _("Send this issue"),
    }
    return _desk(request, "delivery/send_confirm.html", context)


def _start(request: HttpRequest, issue: Issue) -> HttpResponse:
    try:
        dispatch = preparation.start(
            issue,
            started_by=request.user,  # type: ignore[arg-type]  # staff are users
            approved=request.POST.get("approved", ""),
        )
    except AlreadyDispatched as earlier:  # the second of two clicks: show what the first one began
        messages.info(request, _("This issue was sent already. Nothing was sent twice."))
        return redirect("delivery:dispatch", earlier.dispatch_id)
    except CannotStart as problem:
        messages.error(request, str(problem))
        return redirect("delivery:send", issue.pk)
    tasks.wake(dispatch.pk)
    return redirect("delivery:dispatch", dispatch.pk)


@staff_member_required
@may_watch
@never_cache
@require_safe
def dispatch(request: HttpRequest, dispatch_id: int) -> HttpResponse:
    found = _dispatch(dispatch_id)
    context = _figures(found) | {"title": found.subject}
    with timezone.override(found.issue.newsletter.time_zone):
        return _desk(request, "delivery/dispatch_detail.html", context)


@staff_member_required
@may_watch
@never_cache
@require_safe
def dispatch_progress(request: HttpRequest, dispatch_id: int) -> HttpResponse:
    found = _dispatch(dispatch_id)
    with timezone.override(found.issue.newsletter.time_zone):
        return render(request, "delivery/_dispatch_progress.html", _figures(found))


@staff_member_required
@may_send
@require_POST
def dispatch_control(request: HttpRequest, dispatch_id: int, verb: str) -> HttpResponse:
    found = _dispatch(dispatch_id)
    CONTROLS[verb](found.pk)
    if verb == "resume":
        tasks.wake(found.pk)
    return redirect("delivery:dispatch", found.pk)


def _dispatch(dispatch_id: int) -> Dispatch:
    return get_object_or_404(
        Dispatch.objects.select_related("issue__newsletter").defer("html", "text"), pk=dispatch_id
    )


def _figures(found: Dispatch) -> dict[str, Any]:
    now = timezone.now()
    balance = _balance(found)
    rate = progress.rate(found, balance, now=now)
    waiting = balance.pending + balance.in_flight
    return {
        "dispatch": found,
        "balance": balance,
        "percent": balance.percent,
        "rate": rate,
        "duration": progress.duration(found, now=now),
        "finish_at": now + timedelta(seconds=waiting / rate) if rate and found.is_running else None,
        "skipped_reasons": progress.reasons(balance.skipped_by_reason),
        "failed_reasons": progress.reasons(balance.failed_by_reason),
        # MAILER_URL says where the next batch goes. Once all are gone, it may say something else than it did then.
        "mailer_name": "" if found.finished_at else _mailer_name(found.mailer),
    }


def _balance(found: Dispatch) -> progress.Balance:
    if not found.is_running:
        return progress.balance(found)
    key = f"balance:{found.pk}:{found.state}"
    kept: progress.Balance | None = cache.get(key)
    if kept is None:
        kept = progress.balance(found)
        cache.set(key, kept, BALANCE_SECONDS)
    return kept


def _mailer_name(alias: str) -> str:
    scheme = gateway.scheme(alias)
    return _("the local outbox") if scheme == "outbox" else scheme


def _desk(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, site.each_context(request) | context)
