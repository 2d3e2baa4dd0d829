from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from delivery import preparation, tasks, waiting
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.views import desk
from newsletter import faces
from newsletter.models import Issue
from subscribers import counting

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@staff_member_required
@desk.may_send
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
        "mailer_name": waiting.mailer_name(preparation.MAILER),
        "checks": checks,
        "approved": faces.fingerprint(issue),
        "can_send": all(check.level == "ok" for check in checks),
        "title": _("Send this issue"),
    }
    return desk.page(request, "delivery/send_confirm.html", context)


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
