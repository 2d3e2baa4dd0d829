"""Probes. /healthz: the process answers. /readyz: it can do its work, and what stands still in sending.

Neither names a version or a reader. Only an unreachable database makes a web process unready: pages need nothing else,
and taking them away would not make an issue go out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import current_app
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from delivery import epoch, troubles

if TYPE_CHECKING:
    from django.http import HttpRequest

    from delivery.troubles import Trouble

KEPT = 2  # seconds: however many ask, a process looks only so often


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        seen = cache.get_or_set("readyz", _look, KEPT)
    except DatabaseError:
        return JsonResponse({"database": "unreachable"}, status=503)
    return JsonResponse({"database": "ok"} | (seen or {}))


def _look() -> dict[str, Any]:
    found = [_as_json(trouble) for trouble in troubles.found()]
    if epoch.frozen():  # nothing goes out at all, whichever issue it is
        found.insert(0, {"kind": "frozen"})
    return {"sending": found or "ok", "broker": _broker()}


def _as_json(trouble: Trouble) -> dict[str, str]:
    return {
        "kind": trouble.kind.value,
        "newsletter": trouble.newsletter.slug,
        "since": trouble.since.isoformat(),
    }


def _broker() -> str:
    """One try, no second one; Redis has a second to answer (CELERY_BROKER_TRANSPORT_OPTIONS)."""
    try:
        with current_app.connection_for_write() as asked:
            transport = asked.transport
            transport.close_connection(transport.establish_connection())
    except Exception:  # every transport has errors of its own, and none is the web process's trouble
        return "unreachable"
    return "ok"
