"""Seeing an issue before its readers do: each face of it in a frame, as any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from delivery import freezing
from desk import previewing
from desk.previewing import Face
from newsletter import given, team
from newsletter.adminsite import site
from newsletter.models import Issue
from newsletter.team import Right
from newsletter.views.archive import issue_page
from subscribers.models import Subscription

if TYPE_CHECKING:
    from django.http import HttpRequest

# A face is what somebody wrote: no script runs in it and no form is sent from it, whatever got past the sanitiser. It
# keeps our origin, so that the desk can put the next version into the frame without a flash and at the same place;
# without scripts nothing in it can make use of that. Links open a new tab, where they can be tried.
POLICY = (
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "img-src 'self' {site} https: data:; style-src 'self' 'unsafe-inline'; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
never_stored = cache_control(no_store=True, private=True)


@staff_member_required
@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
def face(request: HttpRequest, issue_id: int, face: str) -> HttpResponse:
    """One document for a frame. GET shows what is saved; POST what stands in the form, which is never saved."""
    issue = issue_for(request, issue_id, Right.SEE)
    reader = chosen_reader(request, issue)
    try:
        shown = previewing.unsaved(issue, request.POST.dict()) if request.method == "POST" else issue
        html = _document(request, shown, face=_face(face), reader=reader)
    except previewing.TooLong:
        return framed(render(request, "desk/_no_face.html", status=413))
    return framed(HttpResponse(html))


def _document(request: HttpRequest, shown: Issue, *, face: Face, reader: Subscription | None) -> str:
    now = timezone.now()
    if face != Face.WEB:
        return previewing.document(shown, face=face, now=now, reader=reader)
    is_for_its_reader = shown.visibility == Issue.Visibility.READERS
    shown = freezing.as_if_now(shown, now=now)
    page = issue_page(
        request,
        shown,
        is_whole=True,
        is_for_its_reader=is_for_its_reader,
        own_links=previewing.nobodys_links(shown) if is_for_its_reader else {},
    )
    return previewing.with_base(page.content.decode())


def framed(response: HttpResponse) -> HttpResponse:
    """What may be shown in a frame of the desk, and there only."""
    origin = urlsplit(settings.SITE_URL)
    response.headers["Content-Security-Policy"] = POLICY.format(site=f"{origin.scheme}://{origin.netloc}")
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@staff_member_required
@never_stored
@require_safe
def preview(request: HttpRequest, issue_id: int) -> HttpResponse:
    """The whole page, for phones and for everybody who has no script: as saved."""
    issue = issue_for(request, issue_id, Right.SEE)
    beginning = request.GET.get("q", "")
    may_see_readers = team.may(request.user, Right.READERS, issue)
    reader = chosen_reader(request, issue)
    context = {
        "issue": issue,
        "newsletter": issue.newsletter,
        "faces": list(Face),
        "face": _face(request.GET.get("face", Face.WEB)),
        "reader": reader,
        "known": previewing.known_of(reader, labels=previewing.labels(issue.newsletter)) if reader else [],
        "may_see_readers": may_see_readers,
        "q": beginning,
        "found": previewing.readers(issue.newsletter, beginning) if may_see_readers and beginning else [],
        "title": _("Preview"),
    }
    return render(request, "desk/preview.html", site.each_context(request) | context)


@staff_member_required
@never_stored
@require_safe
def readers(request: HttpRequest, issue_id: int) -> HttpResponse:
    """Whom one may choose, by the beginning of an address, for the list under the field."""
    issue = issue_for(request, issue_id, Right.READERS)
    labels = previewing.labels(issue.newsletter)
    found = previewing.readers(issue.newsletter, request.GET.get("q", ""))
    rows = [
        {
            "id": reader.pk,
            "address": reader.subscriber.email,
            "known": " · ".join(": ".join(pair) for pair in previewing.known_of(reader, labels=labels)),
        }
        for reader in found
    ]
    return JsonResponse({"readers": rows})


def issue_for(request: HttpRequest, issue_id: int, right: Right) -> Issue:
    issue = get_object_or_404(Issue.objects.select_related("newsletter"), pk=issue_id)
    if not team.may(request.user, right, issue):
        raise PermissionDenied
    return issue


def chosen_reader(request: HttpRequest, issue: Issue) -> Subscription | None:
    """Named in the form, or else in the address; of this newsletter, and only for who may see its readers."""
    number = given.number(request.POST.get("reader", request.GET.get("reader", "")))
    if not number:
        return None
    if not team.may(request.user, Right.READERS, issue):
        raise PermissionDenied
    found = Subscription.objects.select_related("subscriber")
    return get_object_or_404(found, pk=number, newsletter=issue.newsletter)


def _face(name: str) -> Face:
    try:
        return Face(name)
    except ValueError:
        raise Http404 from None
