from __future__ import annotations

from collections.abc import Iterator
from html import escape

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from newsletter.rendering import SLOTS, Stencil, mail_html, mail_text, merges, web
from newsletter.rendering.characters import SLOT_OPEN
from newsletter.rendering.merging import slot_name
from tests.newsletter.articles import ARABIC_MASTHEAD, MASTHEAD, edition
from tests.newsletter.test_sanitising import bodies


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def field(name: str = "first_name", fallback: str = "friend", text: str = "") -> str:
    return f'<span class="field" data-field="{name}" data-fallback="{fallback}">{text or fallback}</span>'


def slots_of(name: str, fallback: str) -> dict[str, list[str]]:
    return {slot_name(name, fallback, face=face): [name, fallback] for face in ("html", "text")}


def filled(face: str, body: str, **words: str) -> str:
    """The mail's face with these words wherever their field stands."""
    shown = {"html": mail_html, "text": mail_text}[face](edition(body), MASTHEAD)
    values = {name: words[field] for name, (field, _fallback) in merges(body).items() if name.endswith(face)}
    return Stencil.parse(shown, allowed=[*SLOTS, *values]).fill(
        {**dict.fromkeys(SLOTS, "https://x.example"), **values}
    )


def test_web_says_the_fallback_and_the_mail_has_a_slot() -> None:
    body = f"<p>Hello <strong>{field()}</strong>, good morning.</p>"

    assert web(edition(body), MASTHEAD) == "<p>Hello <strong>friend</strong>, good morning.</p>"
    assert "Hello <strong>Ada</strong>, good morning." in filled("html", body, first_name="Ada")
    assert "Hello Ada, good morning." in filled("text", body, first_name="Ada")


def test_each_field_with_each_fallback_is_a_slot_of_both_faces() -> None:
    body = f"<p>{field()} {field()} {field(fallback='you &amp; you')} {field('home_town', '')}</p>"

    assert merges(body) == {
        **slots_of("first_name", "friend"),
        **slots_of("first_name", "you & you"),
        **slots_of("home_town", ""),
    }
    assert all(
        Stencil.parse(f"{SLOT_OPEN}{name}\ue001", allowed=[name]).slots == (name,) for name in merges(body)
    )


def test_field_stands_wherever_words_may() -> None:
    name = field()
    body = (
        f'<h2>For {name}</h2><ul><li>{name}</li></ul><blockquote class="pull"><p>{name}!</p></blockquote>'
        f'<aside class="take" data-block="take"><p>{name}</p></aside>{name} alone'
        f'<p class="cta"><a class="btn" href="https://example.org/go">Go, {name}</a></p>'
        f'<p><a href="https://example.org/x">{name}</a></p>'
    )

    page, mail = (
        html.fromstring(filled("html", body, first_name="Ada")),
        filled("text", body, first_name="Ada"),
    )

    assert page.text_content().count("Ada") == 7
    assert filled("html", body, first_name="Ada").count("Go, Ada") == 2  # once for Outlook
    assert mail.count("Ada") == 7
    assert "For Ada\n" in mail
    assert "→ Go, Ada\n  https://example.org/go" in mail
    assert SLOT_OPEN not in web(edition(body), MASTHEAD)


@pytest.mark.parametrize(
    ("broken", "shown"),
    [
        ('<span class="field">{{ first_name }}</span>', "{{ first_name }}"),
        ('<span data-field="First Name">you</span>', "you"),
        ('<span data-field="a.b">you</span>', "you"),
        ("<span>plain</span>", "plain"),
    ],
)
def test_what_is_no_field_is_only_its_words(broken: str, shown: str) -> None:
    assert web(edition(f"<p>{broken}</p>"), MASTHEAD) == f"<p>{shown}</p>"
    stencil = Stencil.parse(mail_text(edition(f"<p>{broken}</p>"), MASTHEAD))
    assert (set(stencil.slots), merges(broken)) == ({"unsubscribe_url"}, {})


def test_field_called_like_a_link_is_not_that_link() -> None:
    body = f"<p>{field('unsubscribe_url', 'you')}</p>"

    assert web(edition(body), MASTHEAD) == "<p>you</p>"
    assert merges(body) == slots_of("unsubscribe_url", "you")
    assert "unsubscribe_url" not in merges(body)


def test_direction_of_a_line_is_that_of_its_fallback() -> None:
    with translation.override("ar"):
        mail = mail_html(edition(f"<p>{field(fallback='صديقنا')} مرحبا</p>"), ARABIC_MASTHEAD)

    assert html.fromstring(mail).xpath("//td[@class='text']/p/@dir") == []


def test_line_with_a_name_is_folded_as_if_the_name_were_short() -> None:
    body = f"<p>{field()} {'word ' * 13}</p>"

    [line] = [
        line
        for line in mail_text(edition(body), MASTHEAD).split("\n")
        if SLOT_OPEN in line and "word" in line
    ]

    assert line.count("word") == 12


def test_issue_without_fields_has_no_merges() -> None:
    assert merges("<p>Good morning.</p>" * 1000) == {}


@given(bodies, st.sampled_from(["first_name", "home_town"]), st.text(max_size=20))
def test_no_body_makes_a_slot_that_nobody_can_fill(parts: list[str], name: str, fallback: str) -> None:
    whole = f'{"".join(parts)}<span data-field="{name}" data-fallback="{escape(fallback)}">x</span>'

    allowed = [*SLOTS, *merges(whole)]

    for face in (mail_html, mail_text):
        assert set(Stencil.parse(face(edition(whole), MASTHEAD), allowed=allowed).slots) <= set(allowed)
