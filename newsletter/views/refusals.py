"""What somebody is shown for whom there is no page: at the desk, the desk; else a page in the browser's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from newsletter.adminsite import site
from newsletter.views import speaking

if TYPE_CHECKING:
    from django.http import HttpRequest


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_desk(request) and site.has_permission(request):
        return render(request, "admin/403.html", site.each_context(request), status=403)
    return _refusal(request, "403.html", status=403)


def untrusted(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token."""
    return _refusal(request, "403_csrf.html", status=403)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Nothing that was posted is looked at here: it would fail again."""
    return _refusal(request, "400.html", status=400)


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _refusal(request, "404.html", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """Without the request's context: the database or the session may be what is broken."""
    with speaking.speaking(request):
        return HttpResponse(render_to_string("500.html"), status=500)


def _refusal(request: HttpRequest, template: str, *, status: int) -> HttpResponse:
    if _is_desk(request):
        return render(request, template, status=status)
    return speaking.page(request, template, status=status)


def _is_desk(request: HttpRequest) -> bool:
    return request.path.startswith("/admin/")
