"""What an issue will look like: which face of it, and to which reader. Nothing here is saved."""

from __future__ import annotations

import re
from copy import copy
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import connection
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from delivery import freezing, links, proofing
from newsletter import bodies, faces, given, rendering
from newsletter.locale import spoken_by
from newsletter.models import Issue, Picture, ReaderField
from newsletter.models.reader_field import FIRST_NAME
from subscribers import known, tokens
from subscribers.models import Subscription

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.db.models import QuerySet
    from django.utils.functional import _StrPromise

    from newsletter.models import Newsletter
    from newsletter.rendering import Edition

TEXTS = ("subject", "preheader", "authors", "tags", "visibility", "cover_alt", "body")
MOST_READERS = 8  # offered at a time
IS_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
IS_LIGHT = re.compile(r"\(\s*prefers-color-scheme\s*:\s*light\s*\)")
BOTH = re.compile(r"((?:supported-)?color-schemes?\s*[:\"=]+\s*(?:content=\")?)light dark")
# Unlike "all" and "not all", these stand after "and", too.
ALWAYS, NEVER = "(min-width:0)", "(max-width:0)"
OPEN_ANEW = '<base target="_blank">'


class Face(StrEnum):
    """WEB is the issue's page on the site (newsletter.views), the others are of its mail; PHONE has a narrow frame."""

    WEB = "web"
    MAIL = "mail"
    PHONE = "phone"
    DARK = "dark"
    TEXT = "text"

    @property
    def label(self) -> _StrPromise:
        return LABELS[self]


LABELS = {
    Face.WEB: _("Web"),
    Face.MAIL: _("Mail"),
    Face.PHONE: _("Phone"),
    Face.DARK: _("Dark"),
    Face.TEXT: _("Plain text"),
}


class TooLong(Exception):
    """The text is not even looked at."""


def unsaved(issue: Issue, fields: Mapping[str, str]) -> Issue:
    """The issue as a form has it. What is not valid is shown as it is, since rendering cleans whatever it is given;
    only an address that could not be one stays as it was. Raises TooLong."""
    if bodies.stored_size(fields.get("body", "")) > bodies.LARGEST_BODY:
        raise TooLong
    shown = copy(issue)
    for name in TEXTS:
        if name in fields:
            setattr(shown, name, fields[name])
    if "cover" in fields:
        shown.cover = Picture.objects.by_digest(fields["cover"])
    try:
        validate_slug(fields.get("slug", ""))
    except ValidationError:
        return shown
    shown.slug = fields["slug"]
    return shown


def document(issue: Issue, *, face: Face, now: datetime, reader: Subscription | None = None) -> str:
    """A face of the mail as a whole HTML page: what this reader would get, or somebody of whom nothing is known."""
    issue = freezing.as_if_now(issue, now=now)
    with spoken_by(issue.newsletter):
        if face == Face.TEXT:
            return render_to_string("desk/_text_face.html", {"text": _text(issue, reader), "issue": issue})
        return in_frame(_html(issue, reader), is_dark=face == Face.DARK)


def _html(issue: Issue, reader: Subscription | None) -> str:
    html = rendering.mail_html(_edition(issue), faces.masthead(issue.newsletter))
    return proofing.filled(html, issue=issue, reader=reader)


def _text(issue: Issue, reader: Subscription | None) -> str:
    text = rendering.mail_text(_edition(issue), faces.masthead(issue.newsletter))
    return proofing.filled(text, issue=issue, reader=reader)


def _edition(issue: Issue) -> Edition:
    return replace(faces.edition(issue), own_links=nobodys_links(issue))


def nobodys_links(issue: Issue) -> dict[str, str]:
    """Where each reader will have their own: in a digest, to the pages that are for readers."""
    pages = freezing.readers_pages(issue)
    return {url: links.web_urls(number)(tokens.NOBODY) for url, number in pages.items()}


def in_frame(html: str, *, is_dark: bool) -> str:
    """A whole mail, for a frame of the desk."""
    return with_base(_in_light(html, is_dark=is_dark))


def _in_light(html: str, *, is_dark: bool) -> str:
    """As a mail program in dark mode shows it, or one in light mode, whatever the editor's own system is set to."""
    head, end, rest = html.partition("</head>")
    head = IS_DARK.sub(ALWAYS if is_dark else NEVER, head)
    head = IS_LIGHT.sub(NEVER if is_dark else ALWAYS, head)
    return BOTH.sub(rf"\1{'dark' if is_dark else 'light'}", head) + end + rest


def with_base(html: str) -> str:
    """Its links open beside the desk, so that an editor can try them."""
    return html.replace("</head>", f"{OPEN_ANEW}</head>", 1)


def readers(newsletter: Newsletter, beginning: str) -> QuerySet[Subscription]:
    """Active readers of this newsletter whose address begins so, some at a time. By the index on addresses."""
    text = given.words(beginning).strip().lower()
    found = Subscription.objects.active(newsletter).filter(_begins_with(text))
    return found.select_related("subscriber").order_by("subscriber__email")[: MOST_READERS if text else 0]


def _begins_with(text: str) -> Q:
    """PostgreSQL has an index for LIKE; SQLite uses its own for a span only, and orders by code points."""
    if connection.vendor == "sqlite":
        return Q(subscriber__email__gte=text, subscriber__email__lt=f"{text}\U0010ffff")
    return Q(subscriber__email__startswith=text)


def labels(newsletter: Newsletter) -> dict[str, ReaderField]:
    """The fields that the newsletter has of its readers, by their names, with what it calls them."""
    first = ReaderField(name=FIRST_NAME, label=str(_("First name")))
    return {field.name: field for field in (first, *ReaderField.objects.filter(newsletter=newsletter))}


def known_of(reader: Subscription, *, labels: Mapping[str, ReaderField]) -> list[tuple[str, str]]:
    """What is known of a reader, each with its label."""
    facts = {FIRST_NAME: reader.subscriber.first_name, **reader.fields}
    return [
        (str(field.label), known.shown(field, str(facts[name])))
        for name, field in labels.items()
        if facts.get(name)
    ]
