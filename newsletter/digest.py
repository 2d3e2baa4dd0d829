"""The words of a weekly digest: a headline for each issue of the week, what it is about, and the way to it.

Nothing in it is new but the frame: each headline and preheader went out, or stands on the site, as it is.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter import slugs
from newsletter.locale import spoken_by
from newsletter.models import Issue
from newsletter.rendering.mail import day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from newsletter.models import Newsletter

LONGEST = 200  # characters of a subject, and of a preheader


def written(newsletter: Newsletter, told: Sequence[Issue], *, at: datetime) -> Issue:
    """A digest of these issues, the newest first; not saved yet.

    It has a page of its own that nothing lists, so that "Read on the web" is true and a forwarded one can be read;
    where one of its issues is for readers only, so is that page.
    """
    newest, *others = told
    readers_only = any(each.visibility == Issue.Visibility.READERS for each in told)
    here = at.astimezone(ZoneInfo(newsletter.time_zone))
    with spoken_by(newsletter):
        said = {"newsletter": newsletter.name, "headline": newest.subject}
        return Issue(
            newsletter=newsletter,
            kind=Issue.Kind.DIGEST,
            slug=slugs.free(f"week-{here:%Y-%m-%d}", newsletter=newsletter),
            subject=shortened(_("The week in %(newsletter)s: %(headline)s") % said),
            preheader=shortened(" · ".join(each.subject for each in others) or newest.preheader),
            visibility=Issue.Visibility.READERS if readers_only else Issue.Visibility.UNLISTED,
            cover_id=newest.cover_id,
            cover_alt=newest.cover_alt,
            body=_body(newsletter, told),
        )


def shortened(words: str) -> str:
    """At the end of a word, where it is longer than a subject may be."""
    if len(words) <= LONGEST:
        return words
    kept = words[: LONGEST - 1]
    return f"{kept.rpartition(' ')[0] or kept}…"


def _body(newsletter: Newsletter, told: Sequence[Issue]) -> str:
    count = len(told)
    words = ngettext("One issue came out this week.", "%(count)s issues came out this week.", count)
    lead = f'<p class="lead">{escape(words % {"count": count})}</p>'
    return lead + "".join(_entry(newsletter, each) for each in told)


def _entry(newsletter: Newsletter, issue: Issue) -> str:
    url = escape(issue.get_absolute_url())
    headline = f'<h2><a href="{url}">{escape(issue.subject)}</a></h2>'
    about = f"<p>{escape(issue.preheader)}</p>" if issue.preheader.strip() else ""
    published = issue.published_at
    when = day(published.astimezone(ZoneInfo(newsletter.time_zone)).date()) if published else ""
    return f'{headline}{about}<p>{escape(when)} · <a href="{url}">{escape(_("Read it"))}</a></p>'
