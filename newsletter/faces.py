"""From rows to the values that rendering takes: the one place where an Issue becomes an Edition."""

from __future__ import annotations

import hashlib
import json
import zoneinfo
from typing import TYPE_CHECKING

from newsletter import claims
from newsletter.rendering import Edition, Masthead
from newsletter.site import absolute_url

if TYPE_CHECKING:
    from newsletter.models import Issue, Newsletter


def masthead(newsletter: Newsletter) -> Masthead:
    url = absolute_url(newsletter.get_absolute_url())
    return Masthead(
        name=newsletter.name,
        tagline=newsletter.tagline,
        url=url,
        subscribe_url=f"{url}subscribe/",
        postal_address=newsletter.postal_address,
        accent=newsletter.accent,
        language=newsletter.language,
        readers_claim=claims.readers_claim(newsletter),
    )


def edition(issue: Issue) -> Edition:
    published = issue.published_at or issue.scheduled_at
    zone = zoneinfo.ZoneInfo(issue.newsletter.time_zone)
    return Edition(
        subject=issue.subject,
        preheader=issue.preheader,
        authors=issue.authors,
        body=issue.body,
        url=absolute_url(issue.get_absolute_url()),
        published_on=published.astimezone(zone).date() if published else None,
    )


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
        issue.visibility,
        issue.cover_id,
        issue.cover_alt,
        issue.body,
        newsletter.name,
        newsletter.tagline,
        newsletter.sender,
        newsletter.reply_to,
        newsletter.postal_address,
        newsletter.accent,
        newsletter.language,
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()
