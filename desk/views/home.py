"""The live part of the desk's first page; the page itself is the admin's own (templates/admin/index.html)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.admin.views.decorators import staff_member_required
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from desk import home
from newsletter import team

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@staff_member_required
@never_cache
@require_safe
def running(request: HttpRequest) -> HttpResponse:
    """What goes out at this moment, for htmx."""
    newsletters = team.newsletters(request.user, team.Right.WATCH)
    return render(request, "desk/_running.html", {"running": home.running(newsletters)})
