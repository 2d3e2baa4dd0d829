from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from newsletter import claims, faces, rendering
from newsletter.locale import spoken_by
from newsletter.models import Issue, Newsletter

if TYPE_CHECKING:
    from django.http import HttpRequest

ISSUES_A_PAGE = 20
# A CDN may keep pages this long (seconds); no cookie is set on them, so one copy serves everybody.
publicly_cached = cache_control(public=True, max_age=60)


@require_safe
@publicly_cached
def newsletters(request: HttpRequest) -> HttpResponse:
    return render(request, "newsletter/newsletter_list.html", {"newsletters": Newsletter.objects.all()})


@require_safe
@publicly_cached
def archive(request: HttpRequest, slug: str) -> HttpResponse:
    newsletter = get_object_or_404(Newsletter, slug=slug)
    issues = Issue.objects.public().filter(newsletter=newsletter).select_related("newsletter").defer("body")
    context = {
        "newsletter": newsletter,
        "page": Paginator(issues, ISSUES_A_PAGE).get_page(request.GET.get("page")),
        "readers_claim": claims.readers_claim(newsletter),
        "canonical_url": faces.masthead(newsletter).url,
    }
    with spoken_by(newsletter):
        return render(request, "newsletter/archive.html", context)


@require_safe
@publicly_cached
def issue(request: HttpRequest, slug: str, issue_slug: str) -> HttpResponse:
    found = get_object_or_404(
        Issue.objects.public().select_related("newsletter"), newsletter__slug=slug, slug=issue_slug
    )
    masthead, edition = faces.masthead(found.newsletter), faces.edition(found)
    neighbours = (
        Issue.objects.public().filter(newsletter=found.newsletter).select_related("newsletter").defer("body")
    )
    context = {
        "newsletter": found.newsletter,
        "issue": found,
        "readers_claim": masthead.readers_claim,
        "newer": neighbours.filter(published_at__gt=found.published_at).reverse().first(),
        "older": neighbours.filter(published_at__lt=found.published_at).first(),
        "canonical_url": edition.url,
    }
    with spoken_by(found.newsletter):
        return render(request, "newsletter/issue.html", context | {"body": rendering.web(edition, masthead)})


@require_safe
@publicly_cached
def look(request: HttpRequest, slug: str) -> HttpResponse:
    """The newsletter's own colour, as a stylesheet: pages have no inline style."""
    newsletter = get_object_or_404(Newsletter, slug=slug)
    return HttpResponse(f":root{{--newsletter-accent:{newsletter.accent}}}\n", content_type="text/css")
