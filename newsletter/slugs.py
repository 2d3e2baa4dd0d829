"""An issue's address on the site, made from its subject."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.text import slugify

from newsletter.models import Issue
from newsletter.validators import RESERVED_ISSUE_SLUGS

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.models import Newsletter

LONGEST = 80  # leaves room for a number behind it
# Letters that are no others with an accent, which is all that slugify can take away.
SPELT = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "þ": "th", "ł": "l", "đ": "d", "ı": "i"}
)


def wished(subject: str, *, newsletter: Newsletter, now: datetime | None = None) -> str:
    """In plain letters; a subject in a script without them gives the day instead."""
    slug = _spelt(subject)
    if len(slug) > 1:
        return slug
    here = (now or timezone.now()).astimezone(ZoneInfo(newsletter.time_zone))
    return f"{here:%Y-%m-%d}"


def free(slug: str, *, newsletter: Newsletter, but: Issue | None = None) -> str:
    """This one, or with a number behind it where another issue lives there."""
    others = Issue.objects.filter(newsletter=newsletter, slug__startswith=slug)
    if but and but.pk:
        others = others.exclude(pk=but.pk)
    taken = {*others.values_list("slug", flat=True), *RESERVED_ISSUE_SLUGS}
    numbered = (f"{slug[:LONGEST]}-{number}" for number in itertools.count(2))
    return slug if slug not in taken else next(each for each in numbered if each not in taken)


def follows_subject(issue: Issue) -> bool:
    """Whether nobody has chosen this address, nor can have kept it: then it may change as the subject does."""
    if issue.published_at:
        return False
    slug = _spelt(issue.subject)
    return bool(slug) and issue.slug.rstrip("-0123456789") == slug.rstrip("-0123456789")


def _spelt(subject: str) -> str:
    words = slugify(subject.casefold().translate(SPELT))
    return words if len(words) <= LONGEST else words[: LONGEST + 1].rpartition("-")[0] or words[:LONGEST]
