"""In which language readers are spoken to, and by which clock."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation.trans_real import parse_accept_lang_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.models import Newsletter


@contextmanager
def spoken_by(newsletter: Newsletter, language: str = "") -> Iterator[None]:
    """Texts in the newsletter's language, times by its own clock: an issue of 06:30 is of that day.

    `language`: the reader's own, where they chose one.
    """
    with translation.override(language or newsletter.language), timezone.override(newsletter.time_zone):
        yield


def readers_language(code: str) -> str:
    """The one of settings.READER_LANGUAGES for whoever speaks `code`: "de" for "de-AT", and "" for "pt"."""
    known = dict(settings.READER_LANGUAGES)
    tag = code.replace("_", "-").lower()
    return next((each for each in (tag, tag.partition("-")[0]) if each in known), "")


def preferred(accept_language: str) -> str:
    """The language a browser likes best of those we speak (RFC 9110 12.5.4), or "": it asks for others only."""
    wishes = parse_accept_lang_header(accept_language.lower())
    return next(
        (known for tag, weight in wishes if weight > 0 and (known := readers_language(tag))),
        "",
    )
