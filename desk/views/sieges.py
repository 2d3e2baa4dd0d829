"""Attack mode: when machines were at the sign-up forms, how bad it was, and what is done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from newsletter import team
from newsletter.adminsite import site
from subscribers import guard

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

SHOWN = 100


@staff_member_required
@never_cache
@require_safe
def sieges(request: HttpRequest) -> HttpResponse:
    if not team.may(request.user, team.Right.READERS):
        raise PermissionDenied
    newsletters = team.newsletters(request.user, team.Right.READERS)
    context = site.each_context(request) | {
        "title": _("Attack mode"),
        "sieges": guard.sieges.of(newsletters)[:SHOWN],
        "newsletters": newsletters,
    }
    return render(request, "desk/sieges.html", context)
