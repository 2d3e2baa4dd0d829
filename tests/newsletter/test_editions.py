"""From rows to what is shown: also from a row that is not there yet."""

from __future__ import annotations

from typing import Any

import pytest

from newsletter import faces
from newsletter.models import Issue, Newsletter, Picture
from newsletter.rendering import Cover
from tests import factories


@pytest.fixture
def cover(db: None) -> Picture:
    return Picture.objects.create(digest="ab" * 16, format="png", width=800, height=400, data=b"x")


def test_issue_that_is_not_saved_can_be_shown(daily: Newsletter, cover: Picture) -> None:
    issue = Issue(
        newsletter=daily, subject="A", body="<p>b</p>", cover=cover, cover_alt="Sea", visibility="readers"
    )

    edition = faces.edition(issue)

    assert (edition.subject, edition.url, edition.published_on) == ("A", "http://testserver/daily/", None)
    assert edition.cover == Cover(f"http://testserver/media/{'ab' * 16}.png", "Sea", 800, 400)
    assert edition.is_for_readers
    assert faces.edition(Issue(newsletter=daily, slug="new")).url == "http://testserver/daily/new/"


def test_cover_costs_one_query_and_none_costs_none(
    daily: Newsletter, cover: Picture, django_assert_num_queries: Any
) -> None:
    with_cover, without = factories.issue(daily, cover=cover), factories.issue(daily, "b")

    with django_assert_num_queries(1) as asked:
        faces.edition(Issue(newsletter=daily, slug="a", cover_id=with_cover.cover_id))
    with django_assert_num_queries(0):
        faces.edition(without)

    assert '"data"' not in asked.captured_queries[0]["sql"]


def test_fingerprint_changes_with_all_that_a_reader_sees(daily: Newsletter, cover: Picture) -> None:
    issue = factories.issue(daily)
    changes: dict[str, Any] = {
        "subject": "B", "slug": "b", "preheader": "B", "authors": "B", "tags": "b", "visibility": "readers",
        "cover": cover, "cover_alt": "B", "body": "<p>B</p>",
    }  # fmt: skip
    assert changes.keys() == set(Issue.CONTENT)

    seen = {faces.fingerprint(issue)}
    for name, value in changes.items():
        setattr(issue, name, value)
        seen.add(faces.fingerprint(issue))

    assert len(seen) == 1 + len(changes)
