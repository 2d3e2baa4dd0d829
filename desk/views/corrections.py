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

from delivery import following, notices, planning, tasks, waiting, wording
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Dispatch, Plan
from delivery.views import desk
from desk.forms.correcting import CorrectionForm
from newsletter import faces, given
from newsletter.adminsite import person

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
    if not _takes_words(request, found):
        return _begin(request, found, form=None)
    if not form.is_valid():
        return _page(request, found, form)
    return (_write if following.asks_for_two(found) else _begin)(request, found, form=form)


def _takes_words(request: HttpRequest, found: Dispatch) -> bool:
    """Where two have to agree, words are written down by themselves, and sent as they stand."""
    if following.asks_for_two(found):
        return request.POST.get("to") == "words"
    return request.POST.get("to") != Audience.REST or following.corrects(found)


def _initial(found: Dispatch) -> dict[str, str]:
    """What was left of a correction is one still, and keeps its words; they may be what it was stopped for."""
    if following.asks_for_two(found) and (words := wording.of(found)):
        return {"subject": words.subject, "note": words.note}
    if following.corrects(found):
        return {"subject": found.subject, "note": found.note}
    return {"subject": (_("Corrected: %(subject)s") % {"subject": found.issue.subject})[:200]}


def _page(request: HttpRequest, found: Dispatch, form: CorrectionForm) -> HttpResponse:
    issue = found.issue
    approved = faces.fingerprint(issue)
    readers = following.readers(found)
    user = person(request)
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
        **_words(found, readers=readers[Audience.CORRECTION], by=user),
        "mailer_name": waiting.mailer_name(waiting.in_use(found)),
        "title": _("Mend and send"),
    }
    with timezone.override(issue.newsletter.time_zone):
        return desk.page(request, "desk/correct.html", context)


def _words(found: Dispatch, *, readers: int, by: User) -> dict[str, Any]:
    """Where two have to agree to the words of a correction: what is written down, and whether this person sends it."""
    words = wording.of(found) if following.asks_for_two(found) else None
    return {
        "asks_for_two": following.asks_for_two(found),
        "words": words,
        "words_by": planning.name(words.by) if words and words.by else _("Somebody who has left"),
        "words_version": wording.version(words),
        "words_objection": wording.objection(words, by) if words else "",
        "others": _others(found, by=by),
        "seal": wording.seal(words, found, readers=readers) if words else "",
    }


def _others(found: Dispatch, *, by: User) -> list[str]:
    """Where two have to agree: who else could send it, by name."""
    if not following.asks_for_two(found):
        return []
    people = notices.approvers(Plan(issue=found.issue, asked_by=by), by_mail=False)
    return [planning.name(each) for each in people]


def _write(request: HttpRequest, found: Dispatch, *, form: CorrectionForm) -> HttpResponse:
    user = person(request)
    try:
        wording.write(found, **form.cleaned_data, by=user, instead_of=request.POST.get("version", ""))
    except AlreadyDispatched as earlier:
        return _was_begun(request, earlier)
    except CannotStart as problem:
        messages.error(request, str(problem))
        return redirect("desk:correct", found.pk)
    LogEntry.objects.log_actions(user.pk, [found], CHANGE, _("Words of a correction."), single_object=True)
    messages.success(request, _("The words are written down. Nothing is sent before somebody else sends it."))
    return redirect("desk:correct", found.pk)


def _was_begun(request: HttpRequest, earlier: AlreadyDispatched) -> HttpResponse:
    """The second of two clicks: show what the first one began."""
    messages.info(request, _("That was begun already. Nobody gets it twice."))
    return redirect("delivery:dispatch", earlier.dispatch_id)


def _begin(request: HttpRequest, found: Dispatch, *, form: CorrectionForm | None) -> HttpResponse:
    """With a form: a correction, which has a subject and a note."""
    try:
        begun = _begun(request, found, form=form)
    except AlreadyDispatched as earlier:
        return _was_begun(request, earlier)
    except CannotStart as problem:
        messages.error(request, str(problem))
        return redirect("desk:correct", found.pk) if form is None else _page(request, found, form)
    words = _("%(what)s is begun.") % {"what": begun.get_audience_display()}
    LogEntry.objects.log_actions(request.user.pk or 0, [begun], CHANGE, words, single_object=True)
    tasks.wake(begun.pk)
    messages.success(request, _("It begins in a minute. Until then it can be taken back."))
    return redirect("delivery:dispatch", begun.pk)


def _begun(request: HttpRequest, found: Dispatch, *, form: CorrectionForm | None) -> Dispatch:
    user = person(request)
    is_rest = request.POST.get("to") == Audience.REST
    if form is None and not is_rest:
        return wording.send(found, seen=request.POST.get("seen", ""), by=user)
    seen: dict[str, Any] = {
        "approved": request.POST.get("approved", ""),
        "expected": given.number(request.POST.get("expected", ""), digits=9),
        "by": user,
    }
    start = following.start_rest if is_rest else following.start_correction
    return start(found, **seen, **(form.cleaned_data if form else {}))
