"""Every page and letter in every language: nothing missing, nothing left in English, and the right way round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.template.loader import get_template
from django.test import override_settings
from django.test.signals import template_rendered
from lxml import html

from tests.reader_tour import Tour

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in settings.READER_LANGUAGES]
TEMPLATES = Path(get_template("base.html").origin.name).parent
READERS = ("*.html", "subscribers/**/*.*", "newsletter/*.html", "delivery/feedback.html", "email/*.html")
MISSING = "[missing: %s]"
SAID_IN = ("aria-label", "placeholder", "title", "alt", "data-working", "data-done", "data-waited")
# A page that only a machine would meet at the tour's own pace, and the desk's share of a folder.
UNSEEN = {"subscribers/too_many.html"}


@dataclass
class Seen:
    pages: dict[str, HttpResponse] = field(default_factory=dict)
    letters: dict[str, tuple[str, str]] = field(default_factory=dict)
    templates: set[str] = field(default_factory=set)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Where, and what is said there: each run of words, and each attribute that is read out or shown."""
        for name, page in self.pages.items():
            yield from ((name, text) for text in texts_of(page.content.decode()))
        for name, (text, page) in self.letters.items():
            yield from ((name, line) for line in text.splitlines())
            yield from ((name, words) for words in texts_of(page))


def texts_of(page: str) -> Iterator[str]:
    root = html.document_fromstring(page)
    for element in root.xpath(
        "//style | //script | //nav[@class='languages']//a | //select[@name='language']"
    ):
        element.clear()
    yield from root.itertext()
    for name in SAID_IN:
        yield from (str(value) for value in root.xpath(f"//@{name}"))


def toured(language: str) -> Seen:
    seen = Seen()

    def note(template, **_more: object) -> None:
        if template.name:
            seen.templates.add(template.name)

    shown = deepcopy(settings.TEMPLATES)
    shown[0]["OPTIONS"]["string_if_invalid"] = MISSING
    template_rendered.connect(note)
    try:
        with override_settings(TEMPLATES=shown), transaction.atomic():
            tour = Tour(language)
            seen.pages = dict(tour.stops())
            seen.letters = {name: (text, page) for name, text, page in tour.letters()}
            transaction.set_rollback(True)
    finally:
        template_rendered.disconnect(note)
    return seen


@pytest.fixture(scope="module")
def tours(django_db_setup: None, django_db_blocker) -> dict[str, Seen]:
    with django_db_blocker.unblock():
        return {language: toured(language) for language in LANGUAGES}


in_each = pytest.mark.parametrize("language", LANGUAGES)


@in_each
def test_every_page_is_of_its_language_and_runs_its_way(tours: dict[str, Seen], language: str) -> None:
    roots = {
        name: html.document_fromstring(page.content.decode()) for name, page in tours[language].pages.items()
    }

    direction = "rtl" if language == "ar" else "ltr"
    wrong = {name: (root.get("lang"), root.get("dir")) for name, root in roots.items()}
    assert {name: found for name, found in wrong.items() if found != (language, direction)} == {}


@in_each
def test_no_page_or_letter_lacks_a_value(tours: dict[str, Seen], language: str) -> None:
    lacking = {(name, text.strip()) for name, text in tours[language].texts() if "[missing:" in text}

    assert lacking == set()


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_nothing_is_left_in_english(tours: dict[str, Seen], language: str) -> None:
    english = {words(text) for _name, text in tours["en"].texts()}

    left = {(name, words(text)) for name, text in tours[language].texts() if words(text) in english}
    assert {each for each in left if each[1] and each[1] not in MEANT[language]} == set()


def test_tour_comes_by_every_page(tours: dict[str, Seen]) -> None:
    there = {path.relative_to(TEMPLATES).as_posix() for each in READERS for path in TEMPLATES.glob(each)}

    assert there - tours["en"].templates - UNSEEN == set()


def words(text: str) -> str:
    """Without data: what is marked as it, addresses, numbers, signs, and whose clock it is."""
    if "§" in text or "@" in text or "://" in text or text == "UTC":
        return ""
    spaced = " ".join(text.split())
    return spaced if re.search(r"[^\W\d_]{2}", spaced) else ""


# Said alike in both languages.
MEANT = {
    "de": {"Newsletter", "Links"},
    "fr": {"Newsletter", "Newsletters"},
    "es": {"No,"},
    "ko": set(),
    "ar": set(),
}
