"""The issue that a command names, or what there is instead."""

from __future__ import annotations

from django.core.management.base import CommandError

from newsletter.models import Issue, Newsletter


def issue(newsletter: str, slug: str, *, waiting: Issue.Status = Issue.Status.DRAFT) -> Issue:
    """By their addresses on the site. Raises CommandError, and names those of `waiting` that it could have been."""
    found = Issue.objects.select_related("newsletter").filter(newsletter__slug=newsletter, slug=slug).first()
    if found:
        return found
    if not Newsletter.objects.filter(slug=newsletter).exists():
        known = ", ".join(Newsletter.objects.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no newsletter {newsletter!r}. Newsletters: {known}.")
    others = Issue.objects.filter(newsletter__slug=newsletter, status=waiting)
    known = ", ".join(others.values_list("slug", flat=True)[:10]) or "none"
    kind = "Scheduled" if waiting == Issue.Status.SCHEDULED else "Drafts"
    raise CommandError(f"{newsletter} has no issue {slug!r}. {kind}: {known}.")
