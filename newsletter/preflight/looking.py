"""Every check of an issue's content, in the order in which an editor meets it."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.db.models.functions import Length
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from newsletter import faces, linkcheck, rendering
from newsletter.linkcheck import Links
from newsletter.locale import spoken_by
from newsletter.models import Issue, Picture, ReaderField
from newsletter.models.reader_field import FIRST_NAME
from newsletter.preflight import dates, fields, leftovers, links, own_site, pictures, weight, wording
from newsletter.preflight.findings import Finding, Level, mark
from newsletter.preflight.own_site import Place
from newsletter.preflight.reading import Copy

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

KEPT_SECONDS = (
    300  # what is not in the fingerprint (a date, the number of readers claimed) weighs next to nothing
)
PICTURE = re.compile(r"/media/([0-9a-f]+)\.[a-z]+$")


@dataclass(frozen=True, slots=True)
class Known:
    """What the checks have to know beside the words; from here on nothing is looked up."""

    fields: Collection[str]
    own: Mapping[str, Place]
    links: Links
    same_subject: str
    pictures_weight: int
    cover_alt: str | None
    mail: weight.Mail
    on: date | None


def content(issue: Issue, *, at: datetime | None = None) -> list[Finding]:
    """`at` is when it is to go out, where that is known."""
    copy = copy_of(issue)
    return judged(copy, issue, known(issue, copy, at=at))


def copy_of(issue: Issue) -> Copy:
    return Copy(
        subject=issue.subject,
        preheader=issue.preheader,
        body=issue.body,
        language=issue.newsletter.language,
    )


def judged(copy: Copy, issue: Issue, known: Known) -> list[Finding]:
    """Pure: of values alone."""
    return [
        *wording.findings(copy, same_subject=known.same_subject),
        *dates.findings(subject=copy.subject, preheader=copy.preheader, language=copy.language, on=known.on),
        *_body(copy),
        *leftovers.findings(copy),
        *fields.findings(copy, known=known.fields),
        *links.findings(copy, own=known.own, links=known.links),
        *pictures.findings(copy, cover_alt=known.cover_alt, weight=known.pictures_weight),
        *weight.findings(known.mail, newsletter=issue.newsletter),
    ]


def known(issue: Issue, copy: Copy, *, at: datetime | None) -> Known:
    newsletter = issue.newsletter
    own_fields = ReaderField.objects.filter(newsletter=newsletter).values_list("name", flat=True)
    return Known(
        fields={FIRST_NAME, *own_fields} if copy.fields else {FIRST_NAME},
        own=own_site.places(links.own_paths(copy), issue=issue),
        links=linkcheck.known([link.href for link in copy.links]),
        same_subject=_same_subject(issue),
        pictures_weight=_pictures_weight(copy),
        cover_alt=issue.cover_alt if issue.cover_id else None,
        mail=rendered(issue),
        on=at.astimezone(_zone(issue)).date() if at else None,
    )


def rendered(issue: Issue) -> weight.Mail:
    """This is what costs, so it is done once for each version of the text in a while."""
    key = f"mail:{faces.fingerprint(issue)}"
    kept: weight.Mail | None = cache.get(key)
    if kept is not None:
        return kept
    edition, masthead = faces.edition(issue), faces.masthead(issue.newsletter)
    with spoken_by(issue.newsletter):
        mail = weight.Mail.of(rendering.mail_html(edition, masthead), rendering.mail_text(edition, masthead))
    cache.set(key, mail, KEPT_SECONDS)
    return mail


def _body(copy: Copy) -> list[Finding]:
    if copy.letters or copy.images:
        return [Finding("body", Level.FINE, _("There is something to read."), "body")]
    return [Finding("body_missing", Level.BLOCKER, _("The issue is empty."), "body", mark())]


def _same_subject(issue: Issue) -> str:
    """When an issue of the last year had the same subject."""
    sent = Issue.objects.filter(newsletter=issue.newsletter_id, status=Issue.Status.SENT)
    earlier = sent.filter(subject__iexact=issue.subject.strip()).exclude(pk=issue.pk)
    when = earlier.order_by("-published_at").values_list("published_at", flat=True).first()
    return date_format(when.astimezone(_zone(issue)), "j F Y") if when else ""


def _zone(issue: Issue) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(issue.newsletter.time_zone)


def _pictures_weight(copy: Copy) -> int:
    digests = {found[1] for image in copy.images if (found := PICTURE.search(image.src))}
    if not digests:
        return 0
    sizes = Picture.objects.filter(digest__in=digests).annotate(size=Length("data"))
    return sum(sizes.values_list("size", flat=True))
