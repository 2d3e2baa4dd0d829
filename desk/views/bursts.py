"""Bursts: who left from one network within minutes, and whether a machine did it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from newsletter import team
from newsletter.adminsite import person, site
from subscribers import bursts as known
from subscribers import counting, tasks
from subscribers.models import Burst

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from newsletter.models import Newsletter

OPEN_SHOWN, PEOPLE_SHOWN, PAST_SHOWN = 20, 50, 50


@staff_member_required
@never_cache
@require_safe
def bursts(request: HttpRequest) -> HttpResponse:
    if not team.may(request.user, team.Right.READERS):
        raise PermissionDenied
    found = known.of(team.newsletters(request.user, team.Right.READERS))
    to_settle = found.filter(state=Burst.State.OPEN)[:OPEN_SHOWN]
    context = site.each_context(request) | {
        "title": _("Sudden leavings"),
        "accounts": [known.account(burst, shown=PEOPLE_SHOWN) for burst in to_settle],
        "past": found.exclude(state=Burst.State.OPEN)[:PAST_SHOWN],
        "many": known.MANY,
    }
    return render(request, "desk/bursts.html", context)


@staff_member_required
@never_cache
@require_POST
def settle(request: HttpRequest, burst_id: int, verdict: str) -> HttpResponse:
    burst = get_object_or_404(Burst.objects.select_related("newsletter"), pk=burst_id)
    if not team.may(request.user, team.Right.READERS, burst.newsletter):
        raise PermissionDenied
    match verdict:
        case "bring_back":
            _bring_back(request, burst)
        case "dismiss":
            _dismiss(request, burst)
        case _:
            raise Http404
    return redirect("desk:bursts")


def _bring_back(request: HttpRequest, burst: Burst) -> None:
    brought, left = known.bring_back(burst, by=person(request))
    if brought:
        _recount(burst.newsletter, is_done=not left)
        words = ngettext("%(count)s reader is back.", "%(count)s readers are back.", brought)
        messages.success(request, words % {"count": brought})
    elif not left:
        messages.info(request, _("Nobody was left to bring back."))
    if left:
        words = ngettext(
            "%(count)s is still to be brought back: press once more.",
            "%(count)s are still to be brought back: press once more.",
            left,
        )
        messages.warning(request, words % {"count": left})


def _recount(newsletter: Newsletter, *, is_done: bool) -> None:
    """Whoever brought them back looks at the numbers next. To count millions is a worker's, once they are all back."""
    if newsletter.active_readers <= counting.BOUND:
        counting.recount(newsletter, now=timezone.now())
    elif is_done:
        tasks.wake_to_count(newsletter.pk)


def _dismiss(request: HttpRequest, burst: Burst) -> None:
    if known.dismiss(burst, by=person(request)):
        messages.success(request, _("They stay unsubscribed."))
    else:
        messages.info(request, _("This was decided already."))
