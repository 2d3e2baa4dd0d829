from __future__ import annotations

from datetime import UTC, datetime

import pytest

from newsletter import publishing, slugs
from newsletter.models import Issue, Newsletter
from tests import factories


@pytest.mark.parametrize(
    ("subject", "slug"),
    [
        ("Ebb & flood, again", "ebb-flood-again"),
        ("Über den Fluß nach Łódź", "uber-den-fluss-nach-lodz"),
        ("潮は待たない", "2026-11-23"),
        ("🎉", "2026-11-23"),
        ("one " * 40, "-".join(["one"] * 20)),
        ("x" * 200, "x" * 80),
    ],
)
def test_wished_address_is_in_plain_letters_or_the_day(subject: str, slug: str) -> None:
    tokyo = Newsletter(time_zone="Asia/Tokyo")

    assert slugs.wished(subject, newsletter=tokyo, now=datetime(2026, 11, 22, 20, tzinfo=UTC)) == slug


def test_address_of_a_long_subject_follows_it_too(daily: Newsletter) -> None:
    subject = "word " * 15 + "unabbreviated"
    issue = Issue(newsletter=daily, subject=subject, slug=slugs.wished(subject, newsletter=daily))

    assert (len(issue.slug) < 80, slugs.follows_subject(issue)) == (True, True)


def test_taken_address_gets_the_next_number(daily: Newsletter) -> None:
    first = factories.issue(daily, "ebb")
    factories.issue(daily, "ebb-2")

    found = [slugs.free("ebb", newsletter=daily), slugs.free("ebb", newsletter=daily, but=first)]

    assert [*found, slugs.free("feed", newsletter=daily)] == ["ebb-3", "ebb", "feed-2"]


def test_address_follows_the_subject_unless_it_was_chosen_or_went_out(daily: Newsletter) -> None:
    made, chosen, sent = (
        Issue.objects.create(newsletter=daily, subject=subject, slug=slug)
        for subject, slug in (("The tide", "the-tide-2"), ("The tide", "low-water"), ("Ebb", "ebb"))
    )
    publishing.publish(sent)

    assert [slugs.follows_subject(issue) for issue in (made, chosen, sent)] == [True, False, False]
