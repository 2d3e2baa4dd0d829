"""Pictures as readers get them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import condition, require_safe

from newsletter.models import Picture

if TYPE_CHECKING:
    from django.http import HttpRequest

TYPES = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
# Those that readers of the morning's mail ask for: some megabytes of memory instead of a query for each.
KEPT = 24


@csrf_exempt  # as the archive: nothing can be posted to it, and nothing is read
@require_safe
@condition(etag_func=lambda _request, digest, format: f'"{digest}"')
def picture(request: HttpRequest, digest: str, format: str) -> HttpResponse:
    """For ever the same: the address is made of the bytes."""
    return HttpResponse(
        _data(digest, format),
        content_type=TYPES[format],
        headers={
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Disposition": "inline",
            "Cross-Origin-Resource-Policy": "cross-origin",  # webmail shows it on its own pages
            "X-Content-Type-Options": "nosniff",
        },
    )


@lru_cache(maxsize=KEPT)
def _data(digest: str, format: str) -> bytes:
    found = Picture.objects.filter(digest=digest, format=format).values_list("data", flat=True).first()
    if found is None:
        raise Http404
    return bytes(found)
