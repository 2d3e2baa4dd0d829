"""The list of issues says how far each is, mail included, which the layer of content does not know."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from delivery.models import Dispatch
from newsletter.models import Issue, Newsletter
from tests import factories
from tests.delivery.people import editor

EVERYONE, REST, CORRECTION = Dispatch.Audience


def sent(issue: Issue, *sendings: tuple[Dispatch.Audience, str]) -> None:
    """Each after the one before."""
    Issue.objects.filter(pk=issue.pk).update(status="sent", published_at=timezone.now())
    before = None
    for audience, state in sendings:
        before = Dispatch.objects.create(
            issue=issue,
            audience=audience,
            after=before,
            state=state,
            batch_size=10,
            audience_size=1,
            started_at=timezone.now(),
            finished_at=timezone.now() if state in {"sent", "stopped"} else None,
        )


def badges() -> list[str]:
    page = editor().get("/admin/newsletter/issue/").text
    return re.findall(r'class="badge badge-(\w+)"', page)


@pytest.mark.parametrize(
    ("sendings", "badge"),
    [
        ([(EVERYONE, "sent")], "sent"),
        ([(EVERYONE, "sending")], "sending"),
        ([(EVERYONE, "paused")], "paused"),
        ([(EVERYONE, "stopped")], "stopped"),
        ([(EVERYONE, "stopped"), (REST, "sending")], "sending"),
        ([(EVERYONE, "stopped"), (REST, "sent")], "sent"),
        ([(EVERYONE, "sent"), (CORRECTION, "stopped")], "sent"),
        ([(EVERYONE, "sent"), (CORRECTION, "stopped"), (REST, "stopped")], "sent"),
        ([(EVERYONE, "sent"), (CORRECTION, "sending")], "sending"),
        ([(EVERYONE, "stopped"), (CORRECTION, "sent")], "stopped"),
    ],
)
def test_issue_counts_as_sent_once_it_has_come_to_everyone(
    draft: Issue, sendings: list[tuple[Dispatch.Audience, str]], badge: str
) -> None:
    sent(draft, *sendings)

    assert badges() == [badge]


def test_list_asks_once_for_all_that_went_out(
    daily: Newsletter, draft: Issue, django_assert_max_num_queries
) -> None:
    browser = editor()
    sent(draft, (EVERYONE, "stopped"))
    for number in range(5):
        sent(factories.issue(daily, f"n{number}"), (EVERYONE, "stopped"), (REST, "sending"))
    browser.get("/admin/newsletter/issue/")

    with django_assert_max_num_queries(9):
        page = browser.get("/admin/newsletter/issue/").text

    assert (page.count("badge-sending"), page.count("badge-stopped")) == (5, 1)
