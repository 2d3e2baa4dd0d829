"""The page between a form and its answer, when machines may be at the door; and the one that says: later.

Both speak the language that the caller has activated, and take whatever the caller's pages have around them.
"""

from __future__ import annotations

from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation

from newsletter.locale import preferred
from subscribers import guard
from subscribers.views import asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.http import HttpRequest

type View = Callable[..., HttpResponse]

PAGE = "subscribers/_page.html"
OURS = frozenset({"riddle", "answer"})
# What a form of ours can hold; whatever else was posted is not written into a page again.
MOST_FIELDS, LONGEST_FIELD = 60, 2000
RETRY_AFTER = 600  # seconds


def ask(
    request: HttpRequest,
    post: guard.Post,
    *,
    fields: Iterable[tuple[str, str]] | None = None,
    **around: object,
) -> HttpResponse:
    """To the verdict RIDDLE: posts `fields` again to the same address, with `riddle` and `answer`.

    `fields`: as the caller understood them; otherwise all that was posted. `around`: the page's `layout`, and
    its `newsletter` where it has one.
    """
    context = {
        "riddle": guard.riddle(post),
        "fields": list(_posted(request) if fields is None else fields),
        "typed_address": post.email,
    }
    return _private(render(request, "subscribers/riddle.html", around | context))


def too_many(request: HttpRequest, **around: object) -> HttpResponse:
    """To the verdict TOO_MANY."""
    response = _private(render(request, "subscribers/too_many.html", around, status=429))
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def gated(view: View) -> View:
    """Answer a network that posts on and on without looking any further."""

    @wraps(view)
    def looked_at(request: HttpRequest, *args: Any, **values: Any) -> HttpResponse:
        riddle = request.POST.get("riddle", "") if request.method == "POST" else ""
        if request.method != "POST" or not guard.is_flood(asking.network(request), riddle=riddle):
            return view(request, *args, **values)
        language = preferred(request.headers.get("Accept-Language", "")) or settings.LANGUAGE_CODE
        response = _private(HttpResponse(_too_many(language), status=429))
        response.headers["Retry-After"] = str(RETRY_AFTER)
        return response

    return looked_at


@cache
def _too_many(language: str) -> str:
    """Drawn once for each language."""
    with translation.override(language):
        return render_to_string("subscribers/too_many.html", {"layout": PAGE})


def _posted(request: HttpRequest) -> Iterator[tuple[str, str]]:
    given = ((name, value) for name, values in request.POST.lists() for value in values if name not in OURS)
    for _, (name, value) in zip(range(MOST_FIELDS), given, strict=False):
        if len(name) + len(value) <= LONGEST_FIELD:
            yield name, str(value)


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
