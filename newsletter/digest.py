"""The words of a weekly digest: a headline for each issue of the week, what it is about, and the way to it.

Nothing in it is new but the frame: each headline and preheader went out, or stands on the site, as it is.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter import clock, slugs
from newsletter.locale import spoken_by
from newsletter.models import Issue, Revision
from newsletter.rendering.mail import day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.models import Newsletter

LONGEST = 200  # characters of a subject, and of a preheader
MOST = 60  # headlines, of about 650 bytes each: a mail of more than 102 KB is cut off by some mailboxes
THIS_WEEK = timedelta(days=8)  # a day more for whoever moves it from Sunday to Monday


def upcoming(newsletter: Newsletter, *, after: datetime) -> datetime:
    """The first moment after that one at which a digest is due. The newsletter has a day for it."""
    today = after.astimezone(ZoneInfo(newsletter.time_zone)).date()
    days = (today + timedelta(days=number) for number in range(-1, 9))
    times = (
        datetime.combine(each, newsletter.digest_time)
        for each in days
        if each.weekday() == newsletter.digest_day
    )
    moments = (clock.moment(each, zone=newsletter.time_zone).at for each in times)
    return next(each for each in moments if each > after)


def written(newsletter: Newsletter, told: Sequence[Issue], *, at: datetime) -> Issue:
    """A digest of these issues, the newest first; not saved yet.

    It has a page of its own that nothing lists, so that "Read on the web" is true and a forwarded one can be read.
    Where not everybody may find each of its issues, that page is for readers only, and where it is cannot be guessed:
    its subject, which a closed page shows, too, may be such an issue's headline.
    """
    newest, *others = told
    is_open = all(each.visibility == Issue.Visibility.PUBLIC for each in told)
    here = at.astimezone(ZoneInfo(newsletter.time_zone))
    slug = f"week-{here:%Y-%m-%d}" if is_open else f"week-{here:%Y-%m-%d}-{secrets.token_hex(8)}"
    with spoken_by(newsletter):
        said = {"newsletter": newsletter.name, "headline": newest.subject}
        return Issue(
            newsletter=newsletter,
            kind=Issue.Kind.DIGEST,
            slug=slugs.free(slug, newsletter=newsletter),
            subject=shortened(_("The week in %(newsletter)s: %(headline)s") % said),
            preheader=shortened(" · ".join(each.subject for each in others) or newest.preheader),
            visibility=Issue.Visibility.UNLISTED if is_open else Issue.Visibility.READERS,
            cover_id=newest.cover_id,
            cover_alt=newest.cover_alt,
            body=_body(newsletter, told, at=at),
        )


def is_untouched(issue: Issue) -> bool:
    """Whether it is a digest as Courant wrote it: each of its words was looked over and approved in its own issue.

    What somebody kept aside is not in it. Whoever edited it may have been deleted since; what they wrote has not.
    """
    if issue.kind != Issue.Kind.DIGEST or issue.edited_by_id is not None:
        return False
    # The first is what stood there before the first change.
    return issue.revisions.exclude(kind__in=Revision.ASIDE).count() < 2


def shortened(words: str) -> str:
    """At the end of a word, where it is longer than a subject may be."""
    if len(words) <= LONGEST:
        return words
    kept = words[: LONGEST - 1]
    return f"{kept.rpartition(' ')[0] or kept}…"


def _body(newsletter: Newsletter, told: Sequence[Issue], *, at: datetime) -> str:
    entries = [_entry(newsletter, each) for each in told[:MOST]]
    return "".join([_lead(told, at=at), *entries, *([_rest(newsletter)] if told[MOST:] else [])])


def _lead(told: Sequence[Issue], *, at: datetime) -> str:
    """Nothing where it would not be true: after a digest that was not sent, the next one tells of more than a week."""
    if any(each.published_at and each.published_at <= at - THIS_WEEK for each in told):
        return ""
    count = len(told)
    words = ngettext("One issue came out this week.", "%(count)s issues came out this week.", count)
    return f'<p class="lead">{escape(words % {"count": count})}</p>'


def _rest(newsletter: Newsletter) -> str:
    return f'<p><a href="{escape(newsletter.get_absolute_url())}">{escape(_("More issues"))}</a></p>'


def _entry(newsletter: Newsletter, issue: Issue) -> str:
    url = escape(issue.get_absolute_url())
    headline = f'<h2><a href="{url}">{escape(issue.subject)}</a></h2>'
    about = f"<p>{escape(issue.preheader)}</p>" if issue.preheader.strip() else ""
    published = issue.published_at
    when = day(published.astimezone(ZoneInfo(newsletter.time_zone)).date()) if published else ""
    return f'{headline}{about}<p>{escape(when)} · <a href="{url}">{escape(_("Read it"))}</a></p>'
