"""What we hold, as a file; and the button that deletes all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from newsletter.views import speaking
from subscribers import lifecycle
from subscribers.models import Subscription
from subscribers.proof import export
from subscribers.views import holding
from subscribers.views.holding import Holder, held
from subscribers.views.pages import read_or_act

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
@held
def download(request: HttpRequest, holder: Holder) -> HttpResponse:
    now = timezone.now()
    data = export.everything(holder.subscriber, now=now)
    response = JsonResponse(data, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response.headers["Content-Disposition"] = f'attachment; filename="what-we-hold-{now:%Y-%m-%d}.json"'
    return response


@read_or_act
@held
def delete(request: HttpRequest, holder: Holder) -> HttpResponse:
    """Says what goes and what stays; the press does it, at once and for good."""
    if request.method != "POST":
        theirs = Subscription.objects.filter(subscriber=holder.subscriber).select_related("newsletter")
        context = {"newsletters": [each.newsletter for each in theirs.order_by("newsletter__name")]}
        return holding.page(request, "subscribers/manage_delete.html", holder, context)
    language = holder.subscriber.language
    lifecycle.erase(holder.subscriber)
    return speaking.page(request, "subscribers/manage_deleted.html", reader=language)
