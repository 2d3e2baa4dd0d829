"""From rows to the values that rendering takes: the one place where an Issue becomes an Edition."""

from __future__ import annotations

import hashlib
import json
import zoneinfo
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db.models import prefetch_related_objects

from newsletter import agreement, claims
from newsletter.locale import spoken_by
from newsletter.models import Issue, Picture
from newsletter.rendering import Cover, Edition, Masthead
from newsletter.site import absolute_url

if TYPE_CHECKING:
    from newsletter.models import Newsletter


def masthead(newsletter: Newsletter) -> Masthead:
    url = absolute_url(newsletter.get_absolute_url())
    with spoken_by(newsletter):
        claim = claims.readers_claim(newsletter)
    return Masthead(
        name=newsletter.name,
        tagline=newsletter.tagline,
        url=url,
        subscribe_url=f"{url}subscribe/",
        postal_address=newsletter.postal_address,
        accent=newsletter.accent,
        language=newsletter.language,
        readers_claim=claim,
    )


def web_masthead(newsletter: Newsletter) -> Masthead:
    """With what stands at the boxes of a page; mails have none to fill in."""
    prefetch_related_objects([newsletter], "usual_times")  # asked once, however many boxes there are
    with spoken_by(newsletter):
        agreed = agreement.words(newsletter)
    return replace(masthead(newsletter), agreement=agreed, agreement_digest=agreement.digest(agreed))


def edition(issue: Issue) -> Edition:
    """Also of an issue that is not saved yet: what stands in a form is shown before it is."""
    published = issue.published_at or issue.scheduled_at
    zone = zoneinfo.ZoneInfo(issue.newsletter.time_zone)
    return Edition(
        subject=issue.subject,
        preheader=issue.preheader,
        authors=issue.authors,
        body=issue.body,
        # Until it has an address of its own, it is as if it were the newsletter's front page.
        url=absolute_url((issue if issue.slug else issue.newsletter).get_absolute_url()),
        published_on=published.astimezone(zone).date() if published else None,
        cover=cover(issue),
        is_for_readers=issue.visibility == Issue.Visibility.READERS,
    )


def cover(issue: Issue) -> Cover | None:
    picture = Picture.objects.filter(pk=issue.cover_id).first() if issue.cover_id else None
    if picture is None:
        return None
    src = absolute_url(picture.get_absolute_url())
    return Cover(src, issue.cover_alt, picture.width, picture.height)


def fingerprint(issue: Issue) -> str:
    """Of everything in the issue that a reader would see: whoever approves this approves exactly this.

    64 hexadecimal digits. What changes by itself (the number of readers that a box claims) is not in it.
    """
    newsletter = issue.newsletter
    seen = [
        issue.subject,
        issue.slug,
        issue.preheader,
        issue.authors,
        issue.tags,
        issue.visibility,
        issue.cover_id,
        issue.cover_alt,
        issue.body,
        newsletter.slug,
        newsletter.name,
        newsletter.tagline,
        newsletter.sender,
        newsletter.reply_to,
        newsletter.postal_address,
        newsletter.accent,
        newsletter.language,
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()
