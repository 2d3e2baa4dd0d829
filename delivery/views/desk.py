"""What every page of the desk shares: who may see it, which dispatch it is about, and the admin around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import permission_required
from django.shortcuts import get_object_or_404, render

from delivery.models import Dispatch
from newsletter.adminsite import site

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

may_send = permission_required("delivery.add_dispatch", raise_exception=True)
may_watch = permission_required("delivery.view_dispatch", raise_exception=True)
may_see_readers = permission_required("delivery.view_delivery", raise_exception=True)


def dispatch_or_404(dispatch_id: int) -> Dispatch:
    """Without the frozen mail, which may be a megabyte."""
    found = Dispatch.objects.select_related("issue__newsletter").defer("html", "text")
    return get_object_or_404(found, pk=dispatch_id)


def page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, site.each_context(request) | context)
