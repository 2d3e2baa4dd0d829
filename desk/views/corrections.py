"""After a stop, or a mistake: the mended issue to the rest, and a correction to those who have the version before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.decorators import staff_member_required
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from delivery import following, tasks, waiting
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Dispatch
from delivery.views import desk
from desk.forms.correcting import CorrectionForm
from newsletter import faces

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest, HttpResponse

Audience = Dispatch.Audience


@staff_member_required
@desk.may_send
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, dispatch_id: int) -> HttpResponse:
    found = desk.dispatch_or_404(dispatch_id)
    form = CorrectionForm(request.POST or None, initial=_initial(found))
    if request.method != "POST":
        return _page(request, found, form)
    if request.POST.get("to") == Audience.REST and not following.corrects(found):
        return _begin(request, found, form=None)
    return _begin(request, found, form=form) if form.is_valid() else _page(request, found, form)


def _initial(found: Dispatch) -> dict[str, str]:
    """What was left of a correction is one still, and keeps its words; they may be what it was stopped for."""
    if following.corrects(found):
        return {"subject": found.subject, "note": found.note}
    return {"subject": (_("Corrected: %(subject)s") % {"subject": found.issue.subject})[:200]}


def _page(request: HttpRequest, found: Dispatch, form: CorrectionForm) -> HttpResponse:
    issue = found.issue
    approved = faces.fingerprint(issue)
    readers = following.readers(found)
    user: User = request.user  # type: ignore[assignment]  # staff are users
    context = {
        "dispatch": found,
        "issue": issue,
        "form": form,
        "is_mended": approved != found.content_hash,
        "approved": approved,
        "problems": following.problems(found, by=user),
        "rest": readers[Audience.REST],
        "rest_sent": following.follower(found, to=Audience.REST),
        "reached": readers[Audience.CORRECTION],
        "correction_sent": following.follower(found, to=Audience.CORRECTION),
        "is_correction": following.corrects(found),
        "mailer_name": waiting.mailer_name(waiting.in_use(found)),
        "title": _("Mend and send"),
    }
    with timezone.override(issue.newsletter.time_zone):
        return desk.page(request, "desk/correct.html", context)


def _begin(request: HttpRequest, found: Dispatch, *, form: CorrectionForm | None) -> HttpResponse:
    """With a form: a correction, which has a subject and a note."""
    seen: dict[str, Any] = {
        "approved": request.POST.get("approved", ""),
        "expected": _number(request.POST.get("expected", "")),
        "by": request.user,
    }
    try:
        start = following.start_correction
        if request.POST.get("to") == Audience.REST:
            start = following.start_rest
        begun = start(found, **seen, **(form.cleaned_data if form else {}))
    except AlreadyDispatched as earlier:  # the second of two clicks: show what the first one began
        messages.info(request, _("That was begun already. Nobody gets it twice."))
        return redirect("delivery:dispatch", earlier.dispatch_id)
    except CannotStart as problem:
        messages.error(request, str(problem))
        return redirect("desk:correct", found.pk) if form is None else _page(request, found, form)
    words = _("%(what)s is begun.") % {"what": begun.get_audience_display()}
    LogEntry.objects.log_actions(request.user.pk or 0, [begun], CHANGE, words, single_object=True)
    tasks.wake(begun.pk)
    messages.success(request, _("It begins in a minute. Until then it can be taken back."))
    return redirect("delivery:dispatch", begun.pk)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
