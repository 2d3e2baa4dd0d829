"""The proof of one reader's consent, to be shown to whoever asks for it: as a page to print, and as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from newsletter import team
from newsletter.adminsite import site
from subscribers.admin import rights
from subscribers.models import Subscriber, Subscription
from subscribers.proof import receipts

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from subscribers.proof.receipts import Receipt


@never_cache
@require_safe
def page(request: HttpRequest, object_id: int) -> HttpResponse:
    receipt = _receipt(request, object_id)
    context = {
        "receipt": receipt,
        "subscriber": receipt.subscriber,
        "now": timezone.now(),
        "title": receipt.subscriber.email,
        "opts": Subscriber._meta,
    }
    return render(request, "admin/subscribers/subscriber/proof.html", site.each_context(request) | context)


@never_cache
@require_safe
def file(request: HttpRequest, object_id: int) -> HttpResponse:
    data = receipts.as_data(_receipt(request, object_id), now=timezone.now())
    response = JsonResponse(data, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response.headers["Content-Disposition"] = f'attachment; filename="proof-{object_id}.json"'
    return response


def _receipt(request: HttpRequest, object_id: int) -> Receipt:
    """As much of it as whoever asks may see: of their newsletters; and what is the person’s own, where they are a
    reader of one of these. Whom they may not see is not there."""
    ids = team.newsletter_ids(request.user, team.Right.READERS)
    subscriber = Subscriber.objects.filter(pk=object_id).first()
    if subscriber is None or ids == []:
        raise Http404
    theirs = Subscription.objects.filter(subscriber=subscriber)
    seen = theirs if ids is None else theirs.filter(newsletter__in=ids)
    if ids is not None and not seen.exists():
        raise Http404
    is_reader = ids is None or rights.introduced(ids).filter(subscriber=subscriber).exists()
    return receipts.of(subscriber, newsletter_ids=ids, with_own=is_reader)
