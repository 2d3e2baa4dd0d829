"""An issue as the mail it will be: rendered once, for a dispatch to all readers and for a test mail alike."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from delivery.messages import IssueMail
from delivery.models import Digest, Dispatch
from newsletter import faces, rendering
from newsletter.locale import spoken_by
from newsletter.models import Issue
from newsletter.rendering import SLOTS, Stencil, page_slot, slot
from newsletter.site import absolute_url, mail_domain

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Frozen:
    """All that goes out, as text; what Dispatch keeps under the same names."""

    subject: str
    sender: str
    reply_to: str
    html: str
    text: str
    merges: dict[str, list[str]]  # by slot: the reader's field that goes there, and what is said without it
    content_hash: str  # faces.fingerprint


def frozen(issue: Issue, *, note: str = "") -> Frozen:
    """With what the editor says above a correction. Raises StencilError rather than leave anything that could not be
    sent."""
    newsletter = issue.newsletter
    own_links = {url: slot(page_slot(dispatch_id)) for url, dispatch_id in readers_pages(issue).items()}
    edition = replace(faces.edition(issue), note=note, own_links=own_links)
    masthead = faces.masthead(newsletter)
    with spoken_by(newsletter):
        html, text = rendering.mail_html(edition, masthead), rendering.mail_text(edition, masthead)
    merges = rendering.merges(issue.body)
    stencil(html, merges=merges), stencil(text, merges=merges)
    return Frozen(
        subject=issue.subject,
        sender=newsletter.sender,
        reply_to=newsletter.reply_to,
        html=html,
        text=text,
        merges=merges,
        content_hash=faces.fingerprint(issue),
    )


def readers_pages(issue: Issue) -> dict[str, int]:
    """Of a digest: the pages it leads to that open to readers alone, each with the dispatch whose mail has the link."""
    if issue.kind != Issue.Kind.DIGEST:
        return {}
    digest = Digest.objects.filter(issue=issue).first()
    told = digest.issues.filter(visibility=Issue.Visibility.READERS) if digest else Issue.objects.none()
    mails = Dispatch.objects.filter(issue__in=told.order_by(), audience=Dispatch.Audience.EVERYONE)
    rows = mails.select_related("issue__newsletter").only("issue__slug", "issue__newsletter__slug")
    return {absolute_url(each.issue.get_absolute_url()): each.pk for each in rows}


def stencil(face: str, *, merges: Collection[str]) -> Stencil:
    """One face of the mail, with the readers' links and what is said of each reader as its slots."""
    return Stencil.parse(face, allowed=[*SLOTS, *merges])


def headers(issue: Issue) -> Mapping[str, str]:
    """The same in every mail of an issue."""
    newsletter = issue.newsletter
    return {
        "List-Id": f"<{newsletter.slug}.{mail_domain()}>",  # RFC 2919: the same for ever
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058 3.1
        "Auto-Submitted": "auto-generated",  # RFC 3834 5
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Feedback-ID": f"{issue.pk}:{newsletter.slug}:issue:courant",
    }


def mail(issue: Issue, parts: Frozen, *, subject: str = "") -> IssueMail:
    """What the gateway takes; with another subject, if one is given."""
    return IssueMail(
        subject=subject or parts.subject,
        sender=parts.sender,
        reply_to=parts.reply_to,
        html=stencil(parts.html, merges=parts.merges),
        text=stencil(parts.text, merges=parts.merges),
        headers=headers(issue),
        message_domain=mail_domain(),
    )


def as_if_now(issue: Issue, *, now: datetime) -> Issue:
    """An issue that is not out yet, with the date it would bear: for looking at it. Never saved."""
    if issue.published_at:
        return issue
    shown = copy(issue)
    shown.published_at = issue.scheduled_at or now
    return shown
