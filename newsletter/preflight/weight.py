"""The finished mail: its weight, and its way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from newsletter.preflight.findings import Finding, Level, mark
from newsletter.rendering import SLOTS, slot
from newsletter.rendering.stencil import SLOT

if TYPE_CHECKING:
    from newsletter.models import Newsletter

CLIPPED = 102 * 1024  # bytes of HTML above which Gmail cuts a mail off, and its way out with it
NEAR = 92 * 1024
WAY_OUT = "unsubscribe_url"
LONGEST_LINK = 200  # bytes of a reader's own link
LONGEST_VALUE = 100  # bytes of what is known of a reader


@dataclass(frozen=True, slots=True)
class Mail:
    """What is to be known of it once it is rendered."""

    size: int  # bytes of the HTML as it is sent, with the longest values in its slots
    has_way_out: bool  # in both of its faces

    @classmethod
    def of(cls, html: str, text: str) -> Mail:
        """Of its two faces, with their slots."""
        names = SLOT.findall(html)
        values = sum(LONGEST_LINK if name in SLOTS else LONGEST_VALUE for name in names)
        has_way_out = all(slot(WAY_OUT) in face for face in (html, text))
        return cls(len(SLOT.sub("", html).encode()) + values, has_way_out)


def findings(mail: Mail, *, newsletter: Newsletter) -> list[Finding]:
    return [*_way_out(mail, newsletter=newsletter), *_size(mail)]


def _way_out(mail: Mail, *, newsletter: Newsletter) -> list[Finding]:
    found = []
    if not mail.has_way_out:
        text = _(
            "The mail has no way to unsubscribe. Its template must hold the link; ask whoever changed it."
        )
        found.append(Finding("no_way_out", Level.BLOCKER, text, "", mark()))
    if not newsletter.postal_address.strip():
        text = _("The newsletter has no postal address, which the law asks for.")
        found.append(Finding("no_postal_address", Level.BLOCKER, text, "newsletter.postal_address", mark()))
    return found or [Finding("way_out", Level.FINE, _("Every mail has a way out and your postal address."))]


def _size(mail: Mail) -> list[Finding]:
    kilobytes = -(-mail.size // 1024)
    if mail.size > CLIPPED:
        words = _(
            "The mail has %(size)s KB. Gmail cuts it off after 102 KB, and the way to unsubscribe with it: shorten it, "
            "or decide that readers at Gmail get the beginning and a link."
        )
        # Acceptance holds for a few words more, not for another chapter.
        return [
            Finding("clipped", Level.DECISION, words % {"size": kilobytes}, "body", mark(mail.size // 8192))
        ]
    words = (
        _("The mail has %(size)s KB, which is close to the 102 KB that Gmail shows.")
        if mail.size > NEAR
        else _("The mail has %(size)s KB; Gmail shows up to 102 KB.")
    )
    return [Finding("size", Level.FINE, words % {"size": kilobytes}, "body")]
