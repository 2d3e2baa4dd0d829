"""Merge fields: only those that the newsletter has, never typed as another program's code, never an empty greeting."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from newsletter.preflight.findings import Finding, Level, mark, some
from newsletter.preflight.reading import Copy, around, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

# What people know from other programs. A single brace holds nothing but a name, so that "{a, b}" and "{…}" are prose.
TYPED = re.compile(
    r"\{\{.{0,80}?\}\}"  # {{ first_name }}, {{{name}}}
    r"|\{%.{0,80}?%\}"  # {% if name %}
    r"|\*\|.{1,60}?\|\*"  # *|FNAME|*
    r"|%(?:recipient|subscriber|contact|user|member|custom)[._:][\w.]{1,40}%"  # %recipient.name%
    r"|%%?(?:FIRST|LAST|FULL|F|L)?_?NAME%%?|%%[A-Za-z_]{2,40}%%"  # %FIRSTNAME%, %%name%%
    r"|\[\[[\w .:|-]{1,60}\]\]"  # [[first_name]]
    r"|<<[^\W\d_][^<>]{0,60}>>"  # <<Name>>
    r"|[$#]\{[\w .|-]{1,60}\}"  # ${name}
    r"|\{[ ]?(?:[a-z]+[_.][a-z_.]+|(?:first|last|full)?[ _]?name|e?-?mail|vorname|nachname|anrede|prénom|prenom|nom"
    r"|nombre|apellido|nome|cognome|naam|voornaam|subscriber|recipient)(?:\|[^{}]{0,40})?[ ]?\}"  # {name}, {name|you}
    r"|\|(?:FNAME|LNAME|NAME|FIRSTNAME|LASTNAME|EMAIL)\|"
    r"|\[(?:FNAME|LNAME|FIRST_?NAME|LAST_?NAME|EMAIL|subscriber[._:]\w+|contact[._:]\w+)\]"
    r"|##[A-Za-z_]{2,40}##"
    r"|@@[A-Za-z_]{2,40}@@",
    re.IGNORECASE,
)
# "Hi ," is what is left where a name should be. French and others set a space before "!" and "?", never before a comma.
NOBODY = re.compile(
    r"^(?:hi|hello|hey|hiya|dear|good (?:morning|afternoon|evening)|hallo|guten (?:morgen|tag|abend)|liebe[rs]?"
    r"|moin|servus|bonjour|salut|chère?|hola|buenos días|buenas|estimad[oa]|querid[oa]|ciao|salve|buongiorno|car[oai]"
    r"|gentile|beste|hoi|dag|goedemorgen|olá|oi|bom dia|prezad[oa]|hej|hei)\s+[,،、]",
    re.IGNORECASE,
)

MOST = 50  # found in one paragraph: more would tell nothing more


def findings(copy: Copy, *, known: Collection[str]) -> list[Finding]:
    """`known`: the names of the fields that this newsletter's readers have."""
    found = []
    for field, texts in {
        "subject": [copy.subject],
        "preheader": [copy.preheader],
        "body": copy.prose,
    }.items():
        if typed := _typed(texts):
            words = _(
                "Readers would see this code as it stands. Take it out; in the text, choose the field from the menu."
            )
            found.append(Finding("typed_field", Level.BLOCKER, words, field, mark(*typed), some(typed)))
    unknown = [quoted(name or fallback) or "“ ”" for name, fallback in copy.fields if name not in known]
    if unknown:
        words = _("The newsletter has no such field. Take it out, or choose another from the menu.")
        found.append(Finding("unknown_field", Level.BLOCKER, words, "body", mark(*unknown), some(unknown)))
    greetings = [quoted(block) for block in copy.blocks if NOBODY.match(block)]
    if greetings:
        words = _("A name is missing here. Give the field a word for readers whose name is not known.")
        found.append(
            Finding("empty_greeting", Level.BLOCKER, words, "body", mark(*greetings), some(greetings))
        )
    return found


def is_typed(text: str) -> bool:
    return TYPED.search(text) is not None


def _typed(texts: Iterable[str]) -> list[str]:
    return [around(text, *match.span()) for text in texts for match in islice(TYPED.finditer(text), MOST)]
