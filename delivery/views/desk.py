"""What every page of the desk shares: who may see it, which dispatch it is about, and the admin around it."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, render

from delivery.models import Dispatch
from newsletter import team
from newsletter.adminsite import site
from newsletter.models import Issue

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase


def _only_who(right: str) -> Callable[[Callable[..., Any]], Callable[..., HttpResponseBase]]:
    """For a view of one issue or dispatch, which its address names: 403 without this right in its newsletter."""

    def lock(view: Callable[..., Any]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def locked(request: HttpRequest, **named: Any) -> HttpResponseBase:
            ids = team.newsletter_ids(request.user, right)
            if ids is not None and (not ids or _newsletter_id(**named) not in ids):
                raise PermissionDenied
            found: HttpResponseBase = view(request, **named)
            return found

        return locked

    return lock


def _newsletter_id(*, issue_id: int = 0, dispatch_id: int = 0, **others: Any) -> int:
    """By its key alone: what else the page needs of it is the page's own question."""
    # By the dispatch's own key, of which Django knows how large it can be; a longer number finds nothing.
    of = {"pk": issue_id} if issue_id else {"dispatches__pk": dispatch_id}
    issues = Issue.objects.filter(**of)
    found = issues.values_list("newsletter", flat=True).first()
    if found is None:
        raise Http404
    return found


may_send = _only_who(team.Right.SEND)
may_watch = _only_who(team.Right.WATCH)
may_see_readers = _only_who("delivery.view_delivery")


def dispatch_or_404(dispatch_id: int) -> Dispatch:
    """Without the frozen mail, which may be a megabyte."""
    found = Dispatch.objects.select_related("issue__newsletter").defer("html", "text")
    return get_object_or_404(found, pk=dispatch_id)


def page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, site.each_context(request) | context)
