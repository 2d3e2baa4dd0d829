"""The program that keeps locale/: what it finds in templates and programs, and what it says of a translation."""

from __future__ import annotations

import ast

import polib
import pytest
from django.utils import translation
from django.utils.translation import ngettext

from scripts import translations
from scripts.translations import Text, Unreadable


def entry(text: str = "Hello %(name)s", translated: str = "", **more: object) -> polib.POEntry:
    return polib.POEntry(msgid=text, msgstr=translated, occurrences=[("templates/x.html", "")], **more)


def test_template_is_read_text_by_text(tmp_path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        """{% extends "base.html" %}{% load i18n %}<p title="{% translate "It's “here” (100%)" %}">words</p>
        {% blocktranslate with name=reader.name trimmed %}
          Dear <bdi>{{ name }}</bdi>,
          hello.
        {% endblocktranslate %}{% firstof x _('nobody') %}{% translate "May" context "a month" as month %}
        {% blocktranslate count n=x context "mails" %}{{ n }} mail{% plural %}{{ n }} mails{% endblocktranslate %}"""
    )

    assert list(translations.said_in(translations.read(page), name="page.html")) == [
        Text("It's “here” (100%%)"),
        Text("Dear <bdi>%(name)s</bdi>, hello."),
        Text("nobody"),
        Text("May", context="a month"),
        Text("%(n)s mail", plural="%(n)s mails", context="mails"),
    ]


def test_program_is_read_in_the_order_it_stands_in() -> None:
    program = """
def sizes(n):
    return [_("%s large") % _("very"), ngettext_lazy("one", "many", n), translation.pgettext("size", "big" "ger")]
print("not said")
"""

    assert list(translations.said_in(ast.parse(program), name="sizes.py")) == [
        Text("%s large"),
        Text("very"),
        Text("one", plural="many"),
        Text("bigger", context="size"),
    ]


@pytest.mark.parametrize("call", ["_(name)", '_(f"Hello {name}")', 'ngettext("one", many, 3)', "gettext()"])
def test_text_that_is_not_written_out_is_refused(call: str) -> None:
    with pytest.raises(Unreadable, match=r"^a.py:1: "):
        list(translations.said_in(ast.parse(call), name="a.py"))


@pytest.mark.parametrize(
    ("given", "troubles"),
    [
        (entry(translated="Hallo %(name)s"), []),
        (entry(), ["not translated"]),
        (entry(translated="Hallo %(name)s", flags=["fuzzy"]), ["not sure (fuzzy)"]),
        (entry(translated="Hallo %(Name)s"), ["placeholders %(Name)s for %(name)s"]),
        (entry(translated="Hallo"), ["placeholders none for %(name)s"]),
        (entry("<b>a</b> {n}", "<i>a</i> {n}"), ["other markup"]),
        (entry(" a", "a"), ["other blanks at its ends"]),
    ],
    ids=str,
)
def test_translation_is_held_against_its_source(given: polib.POEntry, troubles: list[str]) -> None:
    assert list(translations.troubles_of(given, language="de")) == troubles


@pytest.mark.parametrize(
    ("forms", "troubles"),
    [
        (["لا رسائل", "رسالة", "رسالتان", "%(n)s رسائل", "%(n)s رسالة", "%(n)s رسالة"], []),
        (["%(n)s"], ["not 6 forms"]),
        (
            ["%(n)s", "رسالة", "رسالتان", "رسائل", "%(n)s رسالة", "%(n)s رسالة"],
            ["placeholders none for %(n)s"],
        ),
    ],
)
def test_plural_has_all_forms_and_names_its_number_wherever_there_are_several(
    forms: list[str], troubles: list[str]
) -> None:
    given = entry("%(n)s mail", msgid_plural="%(n)s mails", msgstr_plural=dict(enumerate(forms)))

    assert list(translations.troubles_of(given, language="ar")) == troubles


def test_update_keeps_what_is_translated_and_drops_what_is_not_said_any_more() -> None:
    old = polib.POFile(wrapwidth=0)
    old += [entry("Kept", "Behalten"), entry("Gone", "Weg")]
    said = {Text("New", plural="News"): ["b.py"], Text("Kept"): ["a.html", "b.py"]}

    new = translations.brought_up(old, language="de", said=said)

    assert [(each.msgid, each.msgstr or each.msgstr_plural, each.occurrences) for each in new] == [
        ("New", {0: "", 1: ""}, [("b.py", "")]),
        ("Kept", "Behalten", [("a.html", ""), ("b.py", "")]),
    ]


def test_every_text_for_readers_is_translated_and_compiled() -> None:
    said = translations.texts()

    found = [
        trouble for code in translations.languages() for trouble in translations.troubles(code, said=said)
    ]

    assert len(said) > 150
    assert found == []


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("de", {0: 1, 1: 0, 2: 1}),
        ("fr", {0: 0, 1: 0, 2: 2, 1_000_000: 1}),
        ("es", {0: 2, 1: 0, 2: 2, 2_000_000: 1}),
        ("ko", {0: 0, 1: 0, 2: 0}),
        ("ar", {0: 0, 1: 1, 2: 2, 3: 3, 10: 3, 11: 4, 99: 4, 100: 5, 102: 5, 103: 3}),
    ],
)
def test_plural_is_chosen_as_the_language_counts(language: str, forms: dict[int, int]) -> None:
    """Django reads ours together with its own catalogue: with another rule than its own, ours would be mixed up."""
    entry = next(each for each in translations.opened(language) if each.msgid_plural)

    with translation.override(language):
        said = {number: ngettext(entry.msgid, entry.msgid_plural, number) for number in forms}

    assert said == {number: entry.msgstr_plural[form] for number, form in forms.items()}
