"""What a sign-up form says that whoever presses its button agrees to. It is kept word for word with each sign-up
(subscribers.wordings)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.models.usual_time import EVERY_DAY

if TYPE_CHECKING:
    from newsletter.models import Newsletter


def words(newsletter: Newsletter) -> str:
    """The publisher's own; else ours, in the language of the moment."""
    return newsletter.consent_words.strip() or _our_words(newsletter)


def digest(text: str) -> str:
    """By which a form says which words stood on it: 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _our_words(newsletter: Newsletter) -> str:
    """Who, what, how often, how it begins and how it ends: true as the newsletter is set up now."""
    begins = (
        _("We send you one mail first, and nothing else until you confirm it.")
        if newsletter.confirms_by_mail
        else _("It begins at once, without a mail that asks you to confirm.")
    )
    leaves = _("You can leave at any time: a link in every mail does it.")
    publisher = _("The publisher is %(publisher)s.") % {"publisher": _as_is(newsletter.postal_address)}
    return " ".join([_how_often(newsletter), begins, leaves, publisher])


def _how_often(newsletter: Newsletter) -> str:
    """By the usual times, where there are any."""
    words = {"newsletter": _as_is(newsletter.name)}
    usual = [each.days for each in newsletter.usual_times.all()]
    a_week = sum(days.bit_count() for days in usual)
    if not a_week:
        return (
            _("By signing up you agree to get %(newsletter)s by e-mail whenever an issue comes out.") % words
        )
    if usual == [EVERY_DAY]:
        return _("By signing up you agree to get %(newsletter)s by e-mail every day.") % words
    return ngettext(
        "By signing up you agree to get %(newsletter)s by e-mail once a week.",
        "By signing up you agree to get %(newsletter)s by e-mail %(count)d times a week.",
        a_week,
    ) % {**words, "count": a_week}


def _as_is(name: str) -> str:
    """Between isolates where the sentence runs from right to left, so that it is not turned around (UAX 9)."""
    return (
        f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"
        if translation.get_language_bidi()
        else name
    )
