"""What was to be filled in yet, and code of other programs: what must be found, and what must be left alone."""

from __future__ import annotations

import time

import pytest

from newsletter.preflight import Level, fields, leftovers, pictures, wording
from tests.newsletter.words import codes, copy


@pytest.mark.parametrize(
    "text",
    [
        "TK",
        "The bridge is TK metres long.",
        "TKTK",
        "Opened in TK.",
        "(TK)",
        "[TK]",
        "TK: a quote",
        "Lorem ipsum dolor",
        "… dolor sit amet, consectetur",
        "TODO ask Maud",
        "todo: ask Maud",
        "FIXME",
        "TBC",
        "xxxx",
        "It cost xxx pounds.",
        "[placeholder]",
        "[Insert picture of a bridge]",
        "[name]",
        "[Your headline]",
        "[First name]",
        "[xx]",
        "[???]",
        "[hier Link einfügen]",
        "[Platzhalter]",
        "[à compléter]",
        "[prénom]",
        "[insertar foto]",
        "[da completare]",
        "[hier invullen]",
        "[preencher]",
        "[test]",
        "test test",
        "Test, test.",
        "asdf",
        "blablabla",
    ],
)
def test_what_was_to_be_filled_in_is_found(text: str) -> None:
    assert leftovers.sure(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "A taste test of eleven teas",
        "The test of time",
        "TKO in the second round",
        "ATK and tkinter, networks",
        "TK Maxx opens at nine.",
        "TK-421, why aren't you at your post?",
        "My to-do list, and Todo the dog",
        "Todos los santos",
        "He wrote [sic] and [their] names […]",
        "As shown elsewhere [1], [2a]",
        "The lorem of it",
        "https://example.org/TK/page",
        "@TK said so",
        "#TODO",
        "Malcolm X, XX and XXL",
        "The Lex xxvii",
        "The ipsum lorem",
        "contest testing protest",
        "Name your price",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert (leftovers.sure(text), leftovers.perhaps(text)) == ([], [])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Die TK zahlt die Impfung.", "de"),
        ("TODO está listo", "es"),
        ("TODO certo", "pt-br"),
        ("Super Bowl XXX", "en"),
        ("Love, Jo xxx", "en"),
    ],
)
def test_what_one_may_mean_is_asked_and_not_forbidden(text: str, language: str) -> None:
    assert (leftovers.sure(text, language=language), len(leftovers.perhaps(text, language=language))) == (
        [],
        1,
    )


@pytest.mark.parametrize(
    "subject",
    [
        *(
            "test",
            "Test",
            "TEST 2",
            "Testing…",
            "a test",
            "Just a test!",
            "Test mail",
            "test-mail",
            "Testmail",
        ),
        *("prueba", "Essai", "prova", "Proef", "teste", "This is a test", "Test newsletter"),
    ],
)
def test_subject_that_is_only_a_test_is_in_the_way(subject: str) -> None:
    assert codes(leftovers.findings(copy(subject=subject))) == ["test_subject"]


@pytest.mark.parametrize(
    "subject",
    ["The taste test", "Test your knowledge", "Testing times", "A test of nerves", "Prova a prendermi"],
)
def test_subject_about_a_test_is_none(subject: str) -> None:
    assert leftovers.findings(copy(subject=subject)) == []


def test_leftovers_name_the_field_and_the_words_around_them() -> None:
    found = leftovers.findings(
        copy("<p>The old bridge over the harbour is TK metres long, they say.</p>", preheader="TK")
    )

    assert [(each.level, each.code, each.field, each.near) for each in found] == [
        (Level.BLOCKER, "leftover", "preheader", ("“TK”",)),
        (Level.BLOCKER, "leftover", "body", ("“…over the harbour is TK metres long, they say.”",)),
    ]


def test_leftovers_are_found_in_what_stands_in_attributes() -> None:
    body = '<aside class="take" data-block="take" data-title="TK"><p>We think so.</p></aside>'

    assert codes(leftovers.findings(copy(body))) == ["leftover"]


@pytest.mark.parametrize(
    "text",
    [
        "{{ first_name }}",
        "{{{name}}}",
        "{% if name %}",
        "{name}",
        "{first_name}",
        "{ Vorname }",
        "{first_name|friend}",
        "*|FNAME|*",
        "*|IFNOT:FNAME|*",
        "%recipient.first_name%",
        "%FIRSTNAME%",
        "%%first_name%%",
        "[[first_name]]",
        "<<Name>>",
        "${name}",
        "#{subscriber.name}",
        "|FNAME|",
        "[FNAME]",
        "##name##",
        "@@name@@",
    ],
)
def test_code_of_other_programs_is_found(text: str) -> None:
    assert fields.is_typed(f"Hello {text}, good morning")


@pytest.mark.parametrize(
    "text",
    [
        "Between {a, b} and {c}",
        "50% off, 30% more",
        "f(x) = {x | x > 0}",
        "Use the | pipe",
        "A [link] and [1]",
        "x << 2 and y >> 3",
        "«Name»",
        "5 * 3 | 2 * 4",
        "## heading",
        "ada@@example",
        "$100 {about}",
    ],
)
def test_braces_of_prose_are_left_alone(text: str) -> None:
    assert not fields.is_typed(text)


def test_code_that_is_set_as_code_is_what_it_says() -> None:
    body = "<p>In templates, <code>{{ name }}</code> is a variable.</p>"

    assert fields.findings(copy(body), known={"first_name"}) == []


def test_field_that_the_newsletter_does_not_have_is_in_the_way() -> None:
    body = (
        '<p>Hi <span class="field" data-field="first_name" data-fallback="you">you</span> in '
        '<span class="field" data-field="home_town" data-fallback="town">town</span></p>'
    )

    unknown = fields.findings(copy(body), known={"first_name"})
    known = fields.findings(copy(body), known={"first_name", "home_town"})

    assert [(each.code, each.near) for each in unknown] == [("unknown_field", ("“home_town”",))]
    assert known == []


@pytest.mark.parametrize("greeting", ["Hi , good morning", "Liebe ,", "Bonjour , voici", "Olá , tudo"])
def test_greeting_without_a_name_is_in_the_way(greeting: str) -> None:
    assert codes(fields.findings(copy(f"<p>{greeting}</p>"), known=())) == ["empty_greeting"]


@pytest.mark.parametrize("greeting", ["Hi, good morning", "Bonjour !", "Hi there ,", "Say hi , and go"])
def test_greeting_that_is_whole_is_left_alone(greeting: str) -> None:
    assert fields.findings(copy(f"<p>{greeting}</p>"), known=()) == []


@pytest.mark.parametrize(
    "body",
    [
        f"<p>{'TK ' * 150_000}</p>",
        f"<p>{'{{ name }} ' * 40_000}</p>",
        f"<p>test{' -' * 200_000}a</p>",
        f"<p>{'[' * 400_000}</p>",
        f"<p>{'{' * 400_000}</p>",
        f"<p>{'%x' * 200_000}</p>",
        f"<p>{'<<a' * 150_000}</p>".replace("<<", "&lt;&lt;"),
        f"<p>{'lorem ' * 80_000}</p>",
        f"<p>{'x' * 400_000}</p>",
        "<p>Good <a href='https://example.org/'>tides</a> all</p>" * 10_000,
        "<blockquote>" * 5000 + "deep",
    ],
    ids=lambda body: body[:16],
)
def test_hundreds_of_kilobytes_of_anything_are_looked_at_in_seconds(body: str) -> None:
    begin = time.monotonic()
    whole = copy(body)

    leftovers.findings(whole)
    fields.findings(whole, known=())
    wording.findings(whole)
    pictures.findings(whole)

    assert time.monotonic() - begin < 5
