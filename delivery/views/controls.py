"""The buttons. Some act at once, being easily undone; the others ask first, on a page that names the count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from delivery import buttons, control, evidence, tasks
from delivery.models import Dispatch
from delivery.views import desk
from newsletter import given

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


# What cannot be undone is asked about first.
QUESTIONS = {
    "stop": _("Stop for good?"),
    "accept": _("Do they have it?"),
    "again": _("Send it to them again?"),
}


@staff_member_required
@desk.may_send
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def press(request: HttpRequest, dispatch_id: int, verb: str) -> HttpResponse:
    found = desk.dispatch_or_404(dispatch_id)
    if request.method == "POST":
        return _pressed(request, found, verb)
    if verb in QUESTIONS:
        return _asked(request, found, verb=verb)
    return HttpResponseNotAllowed(["POST"])


def _pressed(request: HttpRequest, found: Dispatch, verb: str) -> HttpResponse:
    try:
        expected = given.number(request.POST.get("expected", ""))
        pressed = buttons.press(verb, found.pk, by=request.user.get_username(), expected=expected)
    except control.Refused as problem:
        messages.error(request, str(problem))
        return redirect("delivery:dispatch", found.pk)
    if pressed.changed:
        who = request.user.pk or 0  # staff are users, and users have a number
        LogEntry.objects.log_actions(who, [found], CHANGE, pressed.words, single_object=True)
        if verb in buttons.WAKES:
            tasks.wake(found.pk)
    level = messages.SUCCESS if pressed.changed else messages.INFO
    messages.add_message(request, level, pressed.words)
    return redirect("delivery:dispatch", found.pk)


def _asked(request: HttpRequest, found: Dispatch, *, verb: str) -> HttpResponse:
    """A page with one button, and how many readers it is about. Looking at it changes nothing."""
    readers = evidence.waiting(found.pk) if verb == "stop" else evidence.settleable(found.pk)
    context = {
        "dispatch": found,
        "verb": verb,
        "readers": readers.count(),
        "title": QUESTIONS[verb],
    }
    return desk.page(request, "delivery/control_confirm.html", context)
