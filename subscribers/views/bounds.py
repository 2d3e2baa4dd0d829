"""What a page with a form puts up with: posts of a sane size that can be read, and frames on other people's sites."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csp import csp_override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from newsletter.views import speaking
from subscribers.views.riddles import gated, layout_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

LARGEST = 64 * 1024  # bytes of one post; a form with twenty fields filled to the brim needs a tenth of it
# Nothing of the policy is given up but who may frame the page: anybody may.
FRAMED_POLICY: dict[str, Any] = {**settings.SECURE_CSP, "frame-ancestors": ["*"]}

type View = Callable[..., HttpResponse]


def form_page(view: View) -> View:
    """A page with a form that everybody may post to, from our cached pages and from other sites.

    It uses no cookie, so there is nothing that a forged post could borrow; and a page that carries what one visitor's
    address said is no other's.
    """
    checked = require_http_methods(["GET", "HEAD", "POST"])(bounded(gated(view)))
    return csrf_exempt(cache_control(private=True, no_cache=True)(checked))


def link_page(view: View) -> View:
    """A page behind a reader's own link. It works in a browser that keeps no cookie, and sets none.

    What a forger lacks is the signed token in its address. Whoever has that needs to forge nothing: they can open the
    page, and press its button, themselves (docs/architecture.md).
    """
    return csrf_exempt(never_cache(bounded(view)))


def framed(view: View) -> View:
    return xframe_options_exempt(csp_override(FRAMED_POLICY)(view))


def bounded(view: View) -> View:
    """Refuse with a page what is too large, before any of it is read, and what cannot be read."""

    @wraps(view)
    def read(request: HttpRequest, *args: Any, **values: Any) -> HttpResponse:
        if request.method == "POST":
            if _length(request) > LARGEST:
                return _refused(request, 413, token=values.get("token", ""))
            if not _is_readable(request):
                return _refused(request, 400, token=values.get("token", ""))
        return view(request, *args, **values)

    return read


def whatever_is_posted(view: View) -> View:
    """For a button that counts whatever comes with it: what is too large, or cannot be read, is an empty form."""

    @wraps(view)
    def read(request: HttpRequest, *args: Any, **values: Any) -> HttpResponse:
        is_lost = request.method == "POST" and (_length(request) > LARGEST or not _is_readable(request))
        if is_lost:
            request.POST = QueryDict()
        return view(request, *args, **values)

    return read


def _is_readable(request: HttpRequest) -> bool:
    try:
        _ = request.POST  # read on first use
    except (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError):
        return False
    return True


def _length(request: HttpRequest) -> int:
    said = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(said) if said.isdecimal() and len(said) < 19 else LARGEST + 1


def _refused(request: HttpRequest, status: int, *, token: str) -> HttpResponse:
    """`token`: of a reader's own link, behind which some addresses are of a button alone and no page."""
    context = {
        "is_too_large": status == 413,
        "is_readers_own": bool(token),
        "back_url": _way_back(request, token) + speaking.query(request),
        "layout": layout_of(request),
    }
    return speaking.page(request, "subscribers/post_refused.html", context, status=status)


def _way_back(request: HttpRequest, token: str) -> str:
    """The page that the button stood on."""
    name = request.resolver_match.url_name or "" if request.resolver_match else ""
    if name.startswith("manage_"):
        return reverse("subscribers:manage", args=[token])
    return reverse("subscribers:confirm", args=[token]) if name == "confirm_again" else request.path
