"""Subject, preheader and the words of links, as inboxes and screen readers meet them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from newsletter.preflight.findings import Finding, Level, mark, some
from newsletter.rendering.characters import columns

if TYPE_CHECKING:
    from newsletter.preflight.reading import Copy, Link

PHONE = 45  # columns of a subject that phones show
# Words that say nothing about where a link leads. Someone who hears only the links of a mail hears these.
EMPTY_WORDS = frozenset(
    """
    click here|here|click|tap here|this|this link|link|read more|more|learn more|read|see more|go|website|details
    hier|hier klicken|klick hier|klicken sie hier|mehr|mehr lesen|weiterlesen|mehr erfahren|link|dieser link
    ici|cliquez ici|cliquer ici|lire|lire la suite|en savoir plus|plus|voir plus|ce lien|lien
    aquí|haz clic aquí|haga clic aquí|clic aquí|pincha aquí|leer más|más|ver más|saber más|este enlace|enlace
    qui|clicca qui|leggi|leggi tutto|leggi di più|di più|scopri di più|questo link
    klik hier|lees meer|meer|meer lezen|deze link
    aqui|clique aqui|leia mais|ler mais|mais|saiba mais|saber mais|este link
    """.replace("\n", "|").split("|")
)
EMPTY = frozenset(words.strip() for words in EMPTY_WORDS if words.strip())
BARE = re.compile(r"(?:https?://|www\.)\S+$", re.IGNORECASE)
LONGEST_BARE = 30  # columns: "example.com" is a name, a long address is noise


def findings(copy: Copy, *, same_subject: str = "") -> list[Finding]:
    """`same_subject`: when an earlier issue had this subject, in words."""
    subject = copy.subject.strip()
    if not subject:
        return [Finding("subject_missing", Level.BLOCKER, _("The issue has no subject."), "subject", mark())]
    found = [*_subject(subject), *_preheader(copy), *_links(copy)]
    if same_subject:
        words = _("An earlier issue had this very subject (%(when)s). Readers may think they know it.")
        text = words % {"when": same_subject}
        found.append(Finding("same_subject", Level.WARNING, text, "subject", mark(subject.casefold())))
    return found


def _subject(subject: str) -> list[Finding]:
    found = []
    if (width := columns(subject)) > PHONE:
        words = _(
            "The subject has %(width)s characters; phones show about %(phone)s. Put what matters first."
        )
        text = words % {"width": width, "phone": PHONE}
        found.append(Finding("long_subject", Level.WARNING, text, "subject", mark(subject)))
    if is_shouting(subject):
        text = _(
            "The subject shouts. Spam filters and readers hear it: fewer capitals, fewer exclamation marks."
        )
        found.append(Finding("shouting", Level.WARNING, text, "subject", mark(subject)))
    return found or [Finding("subject", Level.FINE, _("The subject fits on a phone."), "subject")]


def is_shouting(subject: str) -> bool:
    """Mostly capitals, where the script has any, or a heap of exclamation marks. One word in capitals is a name."""
    cased = [letter for letter in subject if letter.isupper() or letter.islower()]
    capitals = sum(letter.isupper() for letter in cased)
    words = [word for word in re.findall(r"[^\W\d_]{2,}", subject) if word.isupper()]
    loud = len(cased) >= 8 and capitals > 0.6 * len(cased) and len(words) >= 2
    return loud or subject.count("!") + subject.count("\uff01") + subject.count("¡") >= 3 or "!!" in subject


def _preheader(copy: Copy) -> list[Finding]:
    preheader = copy.preheader.strip()
    if not preheader:
        text = _("There is no preheader: inboxes will show the first words of the text after the subject.")
        return [Finding("no_preheader", Level.WARNING, text, "preheader", mark())]
    if preheader.casefold() == copy.subject.strip().casefold():
        text = _("The preheader repeats the subject. Inboxes show both, side by side.")
        return [Finding("same_preheader", Level.WARNING, text, "preheader", mark(preheader.casefold()))]
    return [Finding("preheader", Level.FINE, _("It has a preheader."), "preheader")]


def _links(copy: Copy) -> list[Finding]:
    poor = [link for link in copy.links if link.href and is_poor(link)]
    if not poor:
        return []
    text = _("These links do not say where they lead. Make words of the sentence the link.")
    places = [link.place for link in poor]
    pairs = sorted(f"{link.text} {link.href}" for link in poor)
    return [Finding("link_words", Level.WARNING, text, "body", mark(*pairs), some(places))]


def is_poor(link: Link) -> bool:
    """A picture speaks by its alt text, which is looked at elsewhere."""
    if link.holds_picture:
        return False
    words = link.text.casefold().strip(" .:…»«›‹→>!\u200b")
    is_bare = BARE.match(link.text) is not None and columns(link.text) > LONGEST_BARE
    return words in EMPTY or is_bare or not words
