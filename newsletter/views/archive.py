"""The pages that everybody may see."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from newsletter import claims, faces, rendering
from newsletter.locale import spoken_by
from newsletter.models import Issue, Newsletter
from newsletter.site import absolute_url
from newsletter.views import speaking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest

ISSUES_A_PAGE = 20
# A CDN may keep pages this long (seconds); no cookie is set on them, so one copy serves everybody.
publicly_cached = cache_control(public=True, max_age=60)


def public_page[View: Callable[..., HttpResponse]](view: View) -> View:
    """Nothing can be posted to it; and what was posted is not read, as a look for its CSRF token would have to."""
    return csrf_exempt(require_safe(publicly_cached(view)))


@public_page
def newsletters(request: HttpRequest) -> HttpResponse:
    return speaking.page(
        request, "newsletter/newsletter_list.html", {"newsletters": Newsletter.objects.all()}
    )


@public_page
def archive(request: HttpRequest, slug: str) -> HttpResponse:
    newsletter = get_object_or_404(Newsletter, slug=slug)
    issues = Issue.objects.public().filter(newsletter=newsletter).select_related("newsletter").defer("body")
    with spoken_by(newsletter):
        context = {
            "newsletter": newsletter,
            "page": Paginator(issues, ISSUES_A_PAGE).get_page(request.GET.get("page")),
            "readers_claim": claims.readers_claim(newsletter),
            "canonical_url": absolute_url(newsletter.get_absolute_url()),
        }
        return render(request, "newsletter/archive.html", context)


@public_page
def issue(request: HttpRequest, slug: str, issue_slug: str) -> HttpResponse:
    found = get_object_or_404(
        Issue.objects.on_site().select_related("newsletter"), newsletter__slug=slug, slug=issue_slug
    )
    return issue_page(request, found, is_whole=found.visibility != Issue.Visibility.READERS)


def issue_page(
    request: HttpRequest,
    found: Issue,
    *,
    is_whole: bool,
    is_for_its_reader: bool = False,
    own_links: Mapping[str, str] = MappingProxyType({}),
) -> HttpResponse:
    """An issue's page; without its text for those whom it is not for. `own_links`: of its one reader (Edition)."""
    masthead = faces.web_masthead(found.newsletter)
    edition = replace(faces.edition(found), own_links=own_links)
    is_public = found.visibility == Issue.Visibility.PUBLIC
    context = {
        "newsletter": found.newsletter,
        "issue": found,
        "cover": edition.cover,
        "is_whole": is_whole,
        "is_public": is_public,
        "is_for_its_reader": is_for_its_reader,
        "readers_claim": masthead.readers_claim,
        "canonical_url": edition.url if is_public else "",
        **({} if is_for_its_reader else _neighbours(found)),
    }
    with spoken_by(found.newsletter):
        body = rendering.web(edition, masthead) if is_whole else ""
        response = render(request, "newsletter/issue.html", context | {"body": body})
    if not is_public:
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def _neighbours(found: Issue) -> dict[str, Issue | None]:
    others = (
        Issue.objects.public().filter(newsletter=found.newsletter).select_related("newsletter").defer("body")
    )
    return {
        "newer": others.filter(published_at__gt=found.published_at).reverse().first(),
        "older": others.filter(published_at__lt=found.published_at).first(),
    }


@public_page
def look(request: HttpRequest, slug: str) -> HttpResponse:
    """The newsletter's own colour, as a stylesheet: pages have no inline style."""
    newsletter = get_object_or_404(Newsletter, slug=slug)
    return HttpResponse(f":root{{--newsletter-accent:{newsletter.accent}}}\n", content_type="text/css")
