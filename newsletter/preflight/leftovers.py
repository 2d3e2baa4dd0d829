"""What was to be filled in later and was not: TK, lorem ipsum, TODO, [placeholder], test.

Blockers must not cry wolf, for nothing is sent past them. So what somebody may well mean (TK is a German insurer, TODO
is Spanish for "everything", XXX is thirty) is a warning, which is accepted by name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from newsletter.preflight.findings import Finding, Level, mark, some
from newsletter.preflight.reading import Copy, around

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Whole words: neither inside a word nor inside a number, an address or a name with a hyphen.
START, END = r"(?<![\w@#/.-])", r"(?![\w@/-])"

# What stands in square brackets where something is to come; whole, so that "[sic]" and "[their]" are left alone.
TO_COME = (
    # en
    r"placeholder(?: text)?|insert(?: [^\]]{1,60})?|add (?:link|image|photo|picture|text|quote|source)[^\]]{0,40}",
    r"your (?:name|text|title|company|link|headline)|(?:first|last|full) ?name|name|link(?: here)?|url|image|photo",
    r"picture|headline|title|subject|date|city|company|quote|source|caption|tbd|tba|tbc|tk+|to come|fill in[^\]]{0,40}",
    # de
    r"platzhalter|(?:hier )?(?:text|link|bild|zitat|datum|name)?\s?(?:einfügen|einsetzen|ergänzen|folgt)",
    r"vorname|nachname|bild|datum|überschrift|titel|zitat|quelle",
    # fr
    r"à compléter|à venir|à remplir|insérer[^\]]{0,60}|prénom|nom|lien|titre|légende|citation",
    # es
    r"insertar[^\]]{0,60}|pendiente|rellenar|completar|por completar|nombre|enlace|fecha|título|imagen|cita",
    # it
    r"inserire[^\]]{0,60}|da completare|da inserire|segnaposto|nome|cognome|titolo|immagine|citazione",
    # nl
    r"invoegen|(?:hier )?(?:tekst|link|naam|foto)?\s?invullen|aanvullen|voornaam|achternaam|naam|afbeelding|citaat",
    # pt
    r"inserir[^\]]{0,60}|preencher|a completar|imagem|citação|legenda|sobrenome",
)

SURE = {
    "TK": re.compile(rf"{START}(?:TK){{2,}}(?![\w@/-])|{START}TK{END}(?! ?Maxx)"),
    "lorem ipsum": re.compile(r"\blorem\W{1,3}ipsum\b|\bdolor\W{1,3}sit\W{1,3}amet\b", re.IGNORECASE),
    "TODO": re.compile(rf"{START}(?:TODO|FIXME|TBD|TBC)(?![\w/-])|\b(?:todo|fixme|tbd):(?=\s|$)"),
    "xxx": re.compile(rf"{START}(?:x{{4,}}|X{{4,}}|x{{3}}(?=\W*\s+\w)){END}"),
    "[…]": re.compile(
        rf"\[\s*(?:{'|'.join(TO_COME)}|x{{2,}}|\?+|_{{2,}}|\.{{5,}})\s*[:.!?]?\s*\]", re.IGNORECASE
    ),
    "test": re.compile(
        r"\[\s*(?:test|testing|teste|prueba|essai|prova|proef)\s*\]|\btest[\s,.!]+test\b", re.IGNORECASE
    ),
    "asdf": re.compile(
        r"\b(?:asdf(?:gh|ghjkl|jkl)?|qwertyuiop|qwertz(?:uiop)?|blabla(?:bla)+)\b", re.IGNORECASE
    ),
}
# What one may mean: a kiss at the end of a line, thirty in Roman digits.
PERHAPS = {"xxx": re.compile(rf"{START}(?:x{{3}}|X{{3}}){END}")}
# In these languages the word is one.
WORDS_ELSEWHERE = {"TK": {"de", "da", "fi", "tr"}, "TODO": {"es", "pt", "gl", "ast", "pt-br"}}
# A subject that says nothing else is from somebody who was trying things out.
ONLY_A_TEST = re.compile(
    r"\W*(?:(?:a|ein|eine|un|une|una|um|een|my|only a|just a|nur ein|ceci est un|this is a)\s+)?"
    r"(?:test(?:s|ing|mail|e|o)?|prueba|essai|prova|proef|teste)"
    r"(?:[\s-]+(?:mail|e-?mail|issue|newsletter|send|subject|ausgabe|numéro|envío|invio|envio|verzending|\d+))?\W*\d*\W*",
    re.IGNORECASE,
)

LONGEST_TEST = 100  # characters
MOST = 50  # found in one paragraph: more would tell nothing more, and each is compared with those before


def findings(copy: Copy) -> list[Finding]:
    found = []
    places = {"subject": [copy.subject], "preheader": [copy.preheader], "body": list(copy.prose)}
    for field, texts in places.items():
        sure, perhaps = _found(texts, language=copy.language)
        if sure:
            found.append(_blocker(field, sure))
        if perhaps:
            words = _("Is this to be filled in yet? If you mean it as it stands, accept it.")
            found.append(
                Finding("maybe_leftover", Level.WARNING, words, field, mark(field, *perhaps), some(perhaps))
            )
    if is_only_a_test(copy.subject):
        words = _("The subject is only a test. Write what the issue is about.")
        found.append(Finding("test_subject", Level.BLOCKER, words, "subject", mark(copy.subject)))
    elif len(copy.blocks) == 1 and is_only_a_test(copy.blocks[0]):
        words = _("The text is only a test. Write what readers are to get.")
        found.append(Finding("test_body", Level.BLOCKER, words, "body", mark(copy.blocks[0])))
    return found


def is_only_a_test(text: str) -> bool:
    return len(text) <= LONGEST_TEST and bool(ONLY_A_TEST.fullmatch(text.strip()))


def sure(text: str, *, language: str = "en") -> list[str]:
    """The names of what is surely left over in this text."""
    return list(dict.fromkeys(name for name, is_sure, _match in _matches(text, language=language) if is_sure))


def perhaps(text: str, *, language: str = "en") -> list[str]:
    return list(
        dict.fromkeys(name for name, is_sure, _match in _matches(text, language=language) if not is_sure)
    )


def _matches(text: str, *, language: str) -> Iterator[tuple[str, bool, re.Match[str]]]:
    """(name, whether it is sure, where)."""
    tongue = language.lower()
    taken: list[range] = []
    for patterns, is_sure in ((SURE, True), (PERHAPS, False)):
        for name, pattern in patterns.items():
            for match in pattern.finditer(text):
                if any(match.start() in each for each in taken):
                    continue
                if len(taken) == MOST:
                    return
                taken.append(range(match.start(), match.end()))
                yield name, is_sure and not _is_a_word(name, match[0], tongue), match


def _is_a_word(name: str, found: str, language: str) -> bool:
    return found in {"TK", "TODO"} and bool(
        {language, language.split("-")[0]} & WORDS_ELSEWHERE.get(name, set())
    )


def _found(texts: Iterable[str], *, language: str) -> tuple[list[str], list[str]]:
    sure_ones: list[str] = []
    others: list[str] = []
    for text in texts:
        for _name, is_sure, match in _matches(text, language=language):
            (sure_ones if is_sure else others).append(around(text, *match.span()))
    return sure_ones, others


def _blocker(field: str, places: list[str]) -> Finding:
    words = _("Something is left over here that was to be filled in. Write it, or take it out.")
    return Finding("leftover", Level.BLOCKER, words, field, mark(field, *places), some(places))
