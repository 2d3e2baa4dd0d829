"""What a value must be before it may reach an address, a header or a reader."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# The site's own first path segments, and an archive's own second ones (config/urls.py, DESIGN "URLs").
RESERVED_NEWSLETTER_SLUGS = frozenset(
    {
        "admin",
        "api",
        "healthz",
        "media",
        "outbox",
        "readyz",
        "robots",
        "s",
        "static",
        "subscribe",
        "webhooks",
        "your-subscriptions",
    }
)
RESERVED_ISSUE_SLUGS = frozenset({"embed", "feed", "manage", "subscribe"})
# Zl and Zp are line breaks to some mail readers; Cc holds CR, LF and NUL.
BREAKING_CATEGORIES = frozenset({"Cc", "Zl", "Zp"})
# These turn the text around them the other way and can disguise an address (Unicode TR 36).
DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(value: str) -> None:
    """Refuse what could end a mail header or disguise it: providers pass CR and LF on into their JSON unchecked."""
    if any(unicodedata.category(character) in BREAKING_CATEGORIES for character in value):
        raise ValidationError(
            _("Write this on one line, without line breaks or control characters."), code="one_line"
        )
    if DIRECTION_OVERRIDES.intersection(value):
        raise ValidationError(
            _("This contains invisible characters that reverse text. Please retype it."), code="bidi"
        )


def ascii_only(value: str) -> None:
    """A sender with other letters needs SMTPUTF8 (RFC 6531) at every hop, which mail providers do not offer yet."""
    if not value.isascii():
        raise ValidationError(
            _("Write this address in plain letters; a domain has an “xn--” form."), code="ascii"
        )


def refuse_reserved_newsletter_slug(value: str) -> None:
    if value in RESERVED_NEWSLETTER_SLUGS:
        raise ValidationError(
            _("The site needs this address itself. Please choose another."), code="reserved"
        )


def refuse_reserved_issue_slug(value: str) -> None:
    if value in RESERVED_ISSUE_SLUGS:
        raise ValidationError(
            _("The archive needs this address itself. Please choose another."), code="reserved"
        )
