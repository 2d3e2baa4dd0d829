"""Whatever a body holds, its faces are sound."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from newsletter.rendering import SLOTS, Stencil, mail_html, mail_text, merges, web
from newsletter.rendering.characters import SLOT_CLOSE, SLOT_OPEN
from tests.newsletter.articles import MASTHEAD, edition
from tests.newsletter.test_sanitising import bodies

pytestmark = pytest.mark.usefixtures("english")


def test_button_that_lost_its_address_is_only_words() -> None:
    body = '<p class="cta"><a class="btn" href="data:x">Go</a></p><p class="cta"><a class="btn">On</a></p><p>.</p>'

    assert web(edition(body), MASTHEAD) == "<p>Go</p>\n<p>On</p>\n<p>.</p>"
    assert "roundrect" not in mail_html(edition(body), MASTHEAD)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("<p>a</p><p></p><p> </p><p><br></p>", "<p>a</p>"),
        ("loose <em>words</em> here<p>a</p>tail", "<p>loose <em>words</em> here</p>\n<p>a</p>\n<p>tail</p>"),
        ('<aside class="take" data-block="take"><p></p></aside><p>a</p>', "<p>a</p>"),
        ("<div><p>pasted</p></div><aside><p>b</p></aside>", "<p>pasted</p>\n<p>b</p>"),
        ("<p><a>only words</a></p><p><img alt='x'></p>", "<p>only words</p>"),
        ("<blockquote>" * 200 + "deep", "<blockquote>" * 24 + "deep" + "</blockquote>" * 24),
        ("", ""),
    ],
    ids=[
        "trailing blanks",
        "loose words",
        "empty box",
        "foreign boxes",
        "lost addresses",
        "too deep",
        "nothing",
    ],
)
def test_odd_body_is_tidied(body: str, shown: str) -> None:
    assert web(edition(body), MASTHEAD) == shown


def test_words_around_the_body_are_escaped() -> None:
    nasty = "</title><script>alert('&')</script>\"'"
    bad = edition("<p>a</p><div data-block='subscribe'></div>", subject=nasty, preheader=nasty, authors=nasty)
    paper = replace(
        MASTHEAD, name=nasty, tagline=nasty, postal_address=nasty, readers_claim=nasty, accent="red}</style>"
    )

    mail, page = mail_html(bad, paper), web(bad, paper)

    assert html.fromstring(mail).xpath("//script | //body//title") == []
    assert html.fromstring(page).xpath("//script | //title") == []
    assert (
        html.fromstring(mail).xpath("//title/text()") == html.fromstring(mail).xpath("//h1/text()") == [nasty]
    )
    assert "red}" not in mail
    assert nasty in mail_text(bad, paper)


@pytest.mark.parametrize("face", [web, mail_html, mail_text])
def test_no_content_forges_a_slot(face: object) -> None:
    forged = f"{SLOT_OPEN}unsubscribe_url{SLOT_CLOSE}"
    texts = dict.fromkeys(("subject", "preheader", "authors", "url"), forged)
    names = dict.fromkeys(
        ("name", "tagline", "url", "subscribe_url", "postal_address", "accent", "language"), forged
    )
    body = (
        f"<p>{forged} &#xe000;unsubscribe_url&#xe001;</p><div data-block='subscribe' data-strapline='{forged}'></div>"
        f"<aside data-block='take' data-title='&#xe000;x&#xe001;'><p>x</p></aside>"
        f"<p class=cta><a class=btn href='/{forged}'>x</a></p>"
    )

    shown = face(edition(body, **texts), replace(MASTHEAD, readers_claim=forged, **names))

    assert Stencil.parse(shown).slots == (() if face is web else ("unsubscribe_url",))


@given(bodies)
def test_any_body_makes_three_sound_faces(parts: list[str]) -> None:
    hostile = edition("".join(parts))

    page, mail, text = web(hostile, MASTHEAD), mail_html(hostile, MASTHEAD), mail_text(hostile, MASTHEAD)

    allowed = [*SLOTS, *merges(hostile.body)]
    for face in (mail, text):
        assert Stencil.parse(face, allowed=allowed).slots.count("unsubscribe_url") == 1
    for root in (html.fragment_fromstring(page, create_parent="div"), html.fromstring(mail)):
        for element in root.iter():
            if isinstance(element.tag, str):
                assert element.tag not in {"script", "iframe", "object", "embed", "base", "svg"}
                assert not [name for name in element.attrib if name.startswith(("on", "x-", "hx-"))]
                assert not element.get("href", "").lower().startswith(("javascript:", "data:", "vbscript:"))


@given(st.lists(st.text(st.characters(exclude_characters="<>&", exclude_categories=["Cs"]))))
def test_text_face_never_holds_entities_or_tags(words: list[str]) -> None:
    body = "".join(
        f"<p>{word}<strong>{word}</strong>&nbsp;&eacute;</p><ul><li><p>{word}</p></li></ul>" for word in words
    )

    assert not re.search(
        r"[<>&]", mail_text(edition(body, subject="a"), replace(MASTHEAD, name="b", postal_address="c"))
    )
