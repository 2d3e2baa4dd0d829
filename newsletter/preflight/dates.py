"""Weekdays and dates in subject and preheader that are not the day on which the issue goes out.

Words like "today" and "tomorrow" are left alone: they are right on every day.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from newsletter.preflight.findings import Finding, Level, mark, some

if TYPE_CHECKING:
    from collections.abc import Iterator

# From Monday and from January; several spellings of one with "/" between them.
WEEKDAYS = {
    "en": "monday/mon tuesday/tue/tues wednesday/wed thursday/thu/thur/thurs friday/fri saturday/sat sunday/sun",
    "de": "montag/montags dienstag/dienstags mittwoch/mittwochs donnerstag/donnerstags freitag/freitags"
    " samstag/samstags/sonnabend sonntag/sonntags",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miércoles/miercoles jueves viernes sábado/sabado domingo",
    "it": "lunedì/lunedi martedì/martedi mercoledì/mercoledi giovedì/giovedi venerdì/venerdi sabato domenica",
    "nl": "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    "pt": "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado/sabado domingo",
}
MONTHS = {
    "en": "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug september/sep/sept october/oct"
    " november/nov december/dec",
    "de": "januar/jänner/jan februar/feber/feb märz april/apr mai juni juli august/aug september/sept oktober/okt"
    " november/nov dezember/dez",
    "fr": "janvier/janv février/fevrier/févr mars avril/avr mai juin juillet/juil août/aout septembre/sept octobre/oct"
    " novembre/nov décembre/decembre/déc",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre/setiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari/jan februari/feb maart/mrt april/apr mei juni juli augustus/aug september/sept oktober/okt"
    " november/nov december/dec",
    "pt": "janeiro fevereiro março/marco abril maio junho julho agosto setembro outubro novembro dezembro",
}
# Abbreviations that are also plain words ("sun", "sat", "wed"), and sayings that name no day of this week.
WORDS_TOO = frozenset({"sun", "sat", "wed", "mon", "fri", "mar", "jan"})
SAYINGS = re.compile(
    r"black friday|cyber monday|giving tuesday|good friday|ash wednesday|maundy thursday|palm sunday|easter monday"
    r"|easter sunday|super bowl sunday|shrove tuesday|fat tuesday|super tuesday|bloody sunday|casual friday"
    r"|rosenmontag|ostermontag|ostersonntag|pfingstmontag|gründonnerstag|aschermittwoch|karfreitag"
    r"|mardi gras|mercredi des cendres|jeudi saint|vendredi saint|lundi de pâques|domingo de ramos|viernes santo"
    r"|miércoles de ceniza|venerdì santo|giovedì grasso|quarta-feira de cinzas|sexta-feira santa|goede vrijdag",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """A day that a text names: a weekday (0 is Monday), a day of a month, or both."""

    words: str
    weekday: int | None = None
    month: int | None = None
    day: int | None = None
    year: int | None = None

    def is_on(self, date: datetime.date) -> bool:
        return (
            self.weekday in {None, date.weekday()}
            and (self.month is None or (self.month, self.day) == (date.month, date.day))
            and self.year in {None, date.year}
        )


def findings(*, subject: str, preheader: str, language: str, on: datetime.date | None) -> list[Finding]:
    """`on`: the day on which it goes out, by the newsletter's own calendar; None while nobody knows."""
    found = []
    for field, text in (("subject", subject), ("preheader", preheader)):
        wrong = [each for each in said(text, language=language) if on and not each.is_on(on)]
        if on and wrong:
            words = _("This names another day than %(day)s, on which it goes out. Is that meant?")
            finding = words % {"day": date_format(on, "l, j F Y")}
            places = [f"“{each.words}”" for each in wrong]
            found.append(
                Finding("other_day", Level.WARNING, finding, field, mark(field, on, *places), some(places))
            )
    return found


def said(text: str, *, language: str) -> list[Said]:
    """Every day that a text names, in its own language and in English."""
    text = SAYINGS.sub("", text)
    tongues = [
        tongue for tongue in dict.fromkeys([language.lower().split("-")[0], "en"]) if tongue in WEEKDAYS
    ]
    found = [
        *(each for tongue in tongues for each in _dates(text, tongue=tongue)),
        *_numbers(text),
    ]
    for match_words, weekday in _weekdays(text, tongues=tongues):
        found.append(Said(match_words, weekday=weekday))
    return list(dict.fromkeys(found))


def _weekdays(text: str, *, tongues: list[str]) -> Iterator[tuple[str, int]]:
    for tongue in tongues:
        for number, names in enumerate(WEEKDAYS[tongue].split()):
            for match in re.finditer(rf"(?<![\w-])(?:{_either(names)})(?![\w-])", text, re.IGNORECASE):
                if match[0].lower() not in WORDS_TOO:
                    yield match[0], number


def _dates(text: str, *, tongue: str) -> Iterator[Said]:
    """ "24 November", "24. November 2026", "November 24th", "24 de noviembre", "1er mars"."""
    for month, names in enumerate(MONTHS[tongue].split(), start=1):
        name = rf"(?:{_either(names)})\b\.?"
        day = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.|º|°)?"
        year = r"(?:,?\s+(?:de\s+|del\s+)?(?P<year>(?:19|20)\d\d)\b)?"
        for pattern in (
            rf"(?<![\d.,:]){day}\s+(?:of\s+|de\s+)?{name}{year}",
            rf"(?<!\w){name}\s+{day}(?![\d:.,]\d|\w){year}",
        ):
            for match in re.finditer(pattern, text, re.IGNORECASE):
                yield from _said(match, month=month)


def _numbers(text: str) -> Iterator[Said]:
    """ "24.11.2026" and "2026-11-24"; with slashes nobody knows which is the month."""
    for match in re.finditer(
        r"(?<![\d.])(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>20\d\d)\b", text
    ):
        yield from _said(match, month=int(match["month"]))
    for match in re.finditer(r"(?<![\d-])(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?![\d-])", text):
        yield from _said(match, month=int(match["month"]))


def _said(match: re.Match[str], *, month: int) -> Iterator[Said]:
    day, year = int(match["day"]), int(match["year"]) if match["year"] else None
    try:
        datetime.date(year or 2024, month, day)  # a leap year
    except ValueError:
        return
    yield Said(match[0].strip(), month=month, day=day, year=year)


def _either(names: str) -> str:
    return "|".join(re.escape(name) for name in names.split("/"))
