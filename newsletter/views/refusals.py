"""What somebody is shown who may not open a page: at the desk, the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.defaults import permission_denied

from newsletter.adminsite import site

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/admin/") and site.has_permission(request):
        return render(request, "admin/403.html", site.each_context(request), status=403)
    return permission_denied(request, exception)
