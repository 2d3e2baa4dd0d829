from __future__ import annotations

import time

from newsletter import differences
from newsletter.differences import Count, Piece, Row
from newsletter.reading import lines

SAME = Piece("Same")


def test_only_changed_words_are_marked_and_the_rest_is_counted() -> None:
    before = "<p>One</p><p>Two</p><p>The tide is early</p><p>Four</p><p>Five</p><p>Six</p>"

    rows = differences.between(before, before.replace("early", "late"))

    assert rows == [
        Row(skipped=1),
        Row((Piece("Two"),), (Piece("Two"),)),
        Row(
            (Piece("The tide is "), Piece("early", is_changed=True)),
            (Piece("The tide is "), Piece("late", is_changed=True)),
        ),
        Row((Piece("Four"),), (Piece("Four"),)),
        Row(skipped=2),
    ]


def test_paragraph_that_came_stands_alone() -> None:
    rows = differences.between("<p>Same</p>", "<p>Same</p><p>All of it is new</p>")

    assert rows == [Row((SAME,), (SAME,)), Row(after=(Piece("All of it is new", is_changed=True),))]


def test_words_are_counted_wherever_they_stand() -> None:
    assert differences.count(["the tide is in"], ["in is the moon now"]) == Count(added=2, removed=1)


def test_body_is_read_with_what_only_a_browser_shows() -> None:
    body = (
        '<h2>Tides</h2><ul><li><p><strong>High:</strong> at <a href="https://a.example/">nine</a></p></li></ul>'
        '<aside class="sponsor" data-block="sponsor" data-title="Sponsored"><p>Buy boats</p></aside>'
        '<figure class="img"><img src="/media/x.jpg" alt="A boat"><figcaption>Afloat</figcaption></figure><hr>'
        '<p>Dear <span class="field" data-field="first_name" data-fallback="friend">friend</span></p>'
    )

    assert lines(body) == [
        "## Tides",
        "• High: at nine <https://a.example/>",
        "[sponsor · Sponsored]",
        "Buy boats",
        "[Picture: A boat]",
        "Afloat",
        "———",
        "Dear {first_name: friend}",
    ]


def test_sixty_kilobytes_are_compared_in_a_moment() -> None:
    body = "".join(f"<p>{number} {'The sea keeps its own clock. ' * 4}</p>" for number in range(500))
    started = time.perf_counter()

    rows = differences.between(body, body.replace("clock", "watch").replace("<p>7", "<p>New 7"))

    assert len(body) > 60_000
    assert sum(row.is_changed for row in rows) == 500
    assert time.perf_counter() - started < 3  # it takes a tenth of a second


def test_ten_thousand_paragraphs_of_which_none_is_left_are_compared_in_a_moment() -> None:
    before, after = (
        "".join(f"<p>{word}{number}</p>" for number in range(10_000)) for word in ("ebb", "flood")
    )
    started = time.perf_counter()

    rows = differences.between(before, after)

    assert len(rows) == 20_000
    assert (
        time.perf_counter() - started < 10
    )  # with each held against all of the others it would be ten minutes
