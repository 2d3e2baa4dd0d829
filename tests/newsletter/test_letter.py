"""A letter's two faces, and how plain words become their text."""

from __future__ import annotations

import pytest

from newsletter.rendering import Masthead
from newsletter.rendering.letter import Letter, Link, html_of, letter_html, letter_text

MASTHEAD = Masthead(
    name="Moon & Tide",
    tagline="",
    url="https://news.example/moon/",
    subscribe_url="https://news.example/moon/subscribe/",
    postal_address="1 Quay Street",
    accent="#1f6f8b",
    language="en",
    readers_claim="",
)
LETTER = Letter(
    subject="Please confirm",
    preheader="One press.",
    heading="Is this you?",
    body="<p>See <a href='https://news.example/a'>an issue</a>.</p>",
    button=Link("Yes & yes", "https://news.example/s/confirm/1"),
    lead="It is about these:",
    names=("Moon & Tide", "The <b>Weekly</b>"),
    asides=("It works for 72 hours.",),
    spells_link_out=True,
    why="You asked.",
    links=(Link("Unsubscribe", "https://news.example/s/unsubscribe/1"),),
)


@pytest.mark.parametrize(
    ("typed", "html"),
    [
        ("One.\nTwo.\n\n\nThree.", "<p>One.<br>Two.</p><p>Three.</p>"),
        ("Read:\n- one\n- two\nand on", "<p>Read:</p><ul><li>one</li><li>two</li></ul><p>and on</p>"),
        ("<b>Tom</b> & Jerry", "<p>&lt;b&gt;Tom&lt;/b&gt; &amp; Jerry</p>"),
        (
            "See https://a.example/b?c=d&e. So",
            '<p>See <a href="https://a.example/b?c=d&amp;e">https://a.example/b?c=d&amp;e</a>. So</p>',
        ),
        ("[our <shop>](https://a.example)", '<p><a href="https://a.example">our &lt;shop&gt;</a></p>'),
        ("[click](javascript:alert(1))", "<p>[click](javascript:alert(1))</p>"),
        ("  \r\n ", ""),
        ("-no list, - nor this", "<p>-no list, - nor this</p>"),
    ],
)
def test_words_become_paragraphs_lists_and_links(typed: str, html: str) -> None:
    assert html_of(typed) == html


@pytest.mark.parametrize("hostile", ["[" * 4000, "http://" * 600, "https://" + "." * 4000, "\n \n" * 1300])
def test_hostile_words_are_read_in_no_time(hostile: str) -> None:
    html_of(hostile)  # a regular expression that goes back and forth would not come to an end


def test_html_face_is_small_and_escapes_every_part() -> None:
    html = letter_html(LETTER, MASTHEAD)

    assert len(html.encode()) < 12_000
    assert "Moon &amp; Tide" in html
    assert "The &lt;b&gt;Weekly&lt;/b&gt;" in html
    assert "<b>" not in html
    assert html.count("https://news.example/s/confirm/1") == 4  # Outlook's shape, the link, and spelled out
    assert "prefers-color-scheme:dark" in html


def test_text_face_reads_like_a_letter() -> None:
    assert letter_text(LETTER, MASTHEAD) == (
        "Moon & Tide\n\n"
        "Is this you?\n============\n\n"
        "See an issue\u00a0[1].\n\n"
        "It is about these:\n\n"
        "- Moon & Tide\n- The <b>Weekly</b>\n\n"
        "→ Yes & yes\n  https://news.example/s/confirm/1\n\n"
        "It works for 72 hours.\n\n"
        "Links\n-----\n[1] https://news.example/a\n\n"
        f"{'-' * 72}\nYou asked.\n1 Quay Street\n\n"
        "Unsubscribe: https://news.example/s/unsubscribe/1\n"
    )


def test_right_to_left_language_turns_the_letter() -> None:
    html = letter_html(
        LETTER,
        Masthead(**{name: getattr(MASTHEAD, name) for name in MASTHEAD.__slots__} | {"language": "ar"}),
    )

    assert '<html lang="ar" dir="rtl"' in html
