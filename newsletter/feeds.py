from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.syndication.views import Feed
from django.shortcuts import get_object_or_404
from django.utils.feedgenerator import Rss201rev2Feed

from newsletter import faces, rendering
from newsletter.locale import spoken_by
from newsletter.models import Issue, Newsletter
from newsletter.site import absolute_url

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

ISSUES_IN_FEED = 20


class FullTextFeed(Rss201rev2Feed):
    """RSS with each issue's whole text, as readers of feeds expect it."""

    def root_attributes(self) -> dict[str, str]:
        return super().root_attributes() | {"xmlns:content": "http://purl.org/rss/1.0/modules/content/"}

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content:encoded", item["body"])


class IssueFeed(Feed):  # type: ignore[type-arg]  # generic in the stubs only
    feed_type = FullTextFeed

    def get_object(self, request: HttpRequest, slug: str) -> Newsletter:
        return get_object_or_404(Newsletter, slug=slug)

    def title(self, newsletter: Newsletter) -> str:
        return newsletter.name

    def link(self, newsletter: Newsletter) -> str:
        return absolute_url(newsletter.get_absolute_url())

    def feed_url(self, newsletter: Newsletter) -> str:
        return f"{self.link(newsletter)}feed/"

    def description(self, newsletter: Newsletter) -> str:
        return newsletter.tagline or newsletter.description or newsletter.name

    def language(self, newsletter: Newsletter) -> str:  # type: ignore[override]  # a method will do, says Django
        return newsletter.language

    def items(self, newsletter: Newsletter) -> Any:
        issues = list(Issue.objects.public().filter(newsletter=newsletter)[:ISSUES_IN_FEED])
        for issue in issues:
            issue.newsletter = newsletter  # one for all: what is asked of it is asked once
        return issues

    def item_title(self, issue: Issue) -> str:
        return issue.subject

    def item_description(self, issue: Issue) -> str:
        return issue.preheader

    def item_link(self, issue: Issue) -> str:
        return absolute_url(issue.get_absolute_url())

    def item_pubdate(self, issue: Issue) -> datetime | None:
        return issue.published_at

    def item_extra_kwargs(self, issue: Issue) -> dict[str, Any]:
        with spoken_by(issue.newsletter):
            return {"body": rendering.web(faces.edition(issue), faces.web_masthead(issue.newsletter))}
