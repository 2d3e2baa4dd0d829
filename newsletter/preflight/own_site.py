"""Links and pictures on our own site: we need not ask for them, we know what is there."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.urls import Resolver404, ResolverMatch, resolve

from newsletter.models import Issue, Newsletter, Picture

if TYPE_CHECKING:
    from collections.abc import Iterable


class Place(StrEnum):
    THERE = "there"
    MISSING = "missing"
    DRAFT = "draft"  # an issue that is not on the site yet
    DESK = "desk"  # the admin, which is ours alone
    PERSONAL = "personal"  # one reader's own link: whoever presses it acts for that reader


def places(paths: Iterable[str], *, issue: Issue) -> dict[str, Place]:
    """By path. At most three queries, however many paths; `issue` itself will be there."""
    matches = {path: _match(path) for path in dict.fromkeys(paths)}
    there = _Known(issue, [match for match in matches.values() if match])
    return {path: there.place(match) if match else Place.MISSING for path, match in matches.items()}


def _match(path: str) -> ResolverMatch | None:
    for each in (path, f"{path}/"):
        try:
            return resolve(each)
        except Resolver404:
            continue
    return None


class _Known:
    """What the database has of all that is linked."""

    def __init__(self, issue: Issue, matches: list[ResolverMatch]) -> None:
        self._issue = issue
        pictures = [match.kwargs["digest"] for match in matches if match.view_name == "newsletter:picture"]
        slugs = {match.kwargs["slug"] for match in matches if "slug" in match.kwargs}
        issue_slugs = {match.kwargs["issue_slug"] for match in matches if "issue_slug" in match.kwargs}
        self._pictures = (
            set(Picture.objects.filter(digest__in=pictures).values_list("digest", flat=True))
            if pictures
            else set()
        )
        self._newsletters = (
            set(Newsletter.objects.filter(slug__in=slugs).values_list("slug", flat=True)) if slugs else set()
        )
        found = Issue.objects.filter(newsletter__slug__in=slugs, slug__in=issue_slugs)
        rows = found.values_list("newsletter__slug", "slug", "pk", "status") if issue_slugs else []
        self._issues = {(newsletter, slug): (pk, status) for newsletter, slug, pk, status in rows}

    def place(self, match: ResolverMatch) -> Place:
        if "admin" in match.namespaces or match.namespaces[:1] in (["delivery"], ["desk"], ["outbox"]):
            return Place.DESK
        if "token" in match.kwargs:
            return Place.PERSONAL
        if match.view_name == "newsletter:picture":
            return Place.THERE if match.kwargs["digest"] in self._pictures else Place.MISSING
        if match.view_name == "newsletter:issue":
            return self._of_issue(match.kwargs["slug"], match.kwargs["issue_slug"])
        if "slug" in match.kwargs:
            return Place.THERE if match.kwargs["slug"] in self._newsletters else Place.MISSING
        return Place.THERE if "newsletter" in match.namespaces else Place.MISSING

    def _of_issue(self, newsletter: str, slug: str) -> Place:
        pk, status = self._issues.get((newsletter, slug), (0, ""))
        if pk == self._issue.pk or status == Issue.Status.SENT:
            return Place.THERE
        return Place.DRAFT if pk else Place.MISSING
