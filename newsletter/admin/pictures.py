"""Pictures as editors bring them: by the editor's toolbar, by pasting, by dragging, as a cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from newsletter import pictures, team
from newsletter.adminsite import person
from newsletter.uploading import AtMost

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@csrf_exempt  # the token is looked for below: to look for it here would read the upload before its size is known
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Behind the admin's own login. 200 with where the picture is, or 400 with words for the editor."""
    if not team.may(request.user, team.Right.WRITE):
        return JsonResponse(
            {"error": _("You may not write here, so you cannot upload pictures.")}, status=403
        )
    limit = AtMost(request, size=pictures.LARGEST_FILE)
    request.upload_handlers.insert(0, limit)
    return _take(request, limit)


@csrf_protect
def _take(request: HttpRequest, limit: AtMost) -> HttpResponse:
    file = request.FILES.get("file")
    try:
        if limit.is_too_much:
            raise pictures.too_large()
        if file is None:
            raise pictures.Refused(_("No file arrived. Choose the picture once more."))
        stored = pictures.store(file, name=file.name or "", by=person(request))
    except pictures.Refused as refused:
        return JsonResponse({"error": str(refused)}, status=400)
    picture = stored.picture
    answer = {
        "src": picture.get_absolute_url(),
        "width": picture.width,
        "height": picture.height,
        "id": picture.digest,
    }
    return JsonResponse(answer | ({"note": stored.note} if stored.note else {}))
