from __future__ import annotations

import time

import pytest
from django.core.exceptions import ValidationError

from newsletter import bodies

GREETING = '<p>Dear <span class="field" data-field="{name}" data-fallback="friend">friend</span>!</p>'
BUTTON = '<p class="cta"><a class="btn" href="{href}">Read <em>more</em></a></p>'


def refusals(body: str) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        bodies.cleaned(body)
    return list(refused.value.messages)


def test_fields_that_the_newsletter_has_not_are_refused_by_name() -> None:
    body = "".join(GREETING.format(name=name) for name in ("first_name", "home_town", "shoe_size", "age"))

    with pytest.raises(ValidationError) as refused:
        bodies.check_fields(bodies.cleaned(body), own=["home_town"])

    assert refused.value.messages == [
        f"This newsletter knows no “{name}” of its readers. Take the field out, or choose one from the menu."
        for name in ("age", "shoe_size")
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('<p><span class="field">friend</span></p>', "friend"),
        ('<p><span class="field" data-field="">friend</span></p>', "friend"),
        ('<p><span data-field="First Name!">friend</span></p>', "friend"),
        ('<p><span data-field="plan_">friend</span></p>', "friend"),  # no slot could be called so
        ('<p><span data-field="first_name">my <em>friend</em></span></p>', "my friend"),
        ('<p><span data-field="first_name">a <span>b</span></span></p>', "a b"),
    ],
)
def test_broken_field_is_refused(body: str, words: str) -> None:
    assert refusals(body) == [
        f"A reader’s field is broken: “{words}”. Take it out, and put it in again from the menu."
    ]


@pytest.mark.parametrize("href", ["", "javascript:alert(1)", "page", "#"])
def test_button_that_leads_nowhere_is_refused(href: str) -> None:
    assert refusals(BUTTON.format(href=href)) == [
        "The button “Read more” leads nowhere. Give it an address, or take it out."
    ]


@pytest.mark.parametrize("href", ["https://example.com/", "mailto:ada@example.com", "/archive/"])
def test_button_that_leads_somewhere_is_kept(href: str) -> None:
    assert 'class="cta"' in bodies.cleaned(BUTTON.format(href=href))


def test_picture_without_encryption_is_refused() -> None:
    assert refusals('<figure class="img"><img src=" http://example.com/a.png" alt="A"></figure>') == [
        "A picture’s address must begin with https://, or readers would not see it: http://example.com/a.png"
    ]


def test_many_mistakes_are_named_five_at_a_time() -> None:
    assert len(refusals(BUTTON.format(href="") * 40)) == 5


def test_ten_thousand_links_are_taken_and_one_more_is_not() -> None:
    link = '<p><a href="https://example.com/">here</a></p>'

    assert bodies.cleaned(link * 10_000).count("<a ") == 10_000
    assert refusals(link * 10_001) == [
        "The text has 10,001 links, and 10,000 is the most. Split it into several issues."
    ]


def test_issue_over_two_megabytes_is_refused_at_once() -> None:
    body = "<p>😀</p>" * 200_000
    began = time.process_time()

    assert refusals(body) == [
        "The text is too long to be mailed: 2.1\xa0MB, and 2.0\xa0MB is the most. Was a picture pasted in?"
    ]
    assert time.process_time() - began < 1


@pytest.mark.parametrize("part", ["&", "&x ", "\xa0", "<i>\xa0</i>&"])
def test_text_that_would_be_stored_with_over_two_megabytes_is_refused_at_once(part: str) -> None:
    began = time.process_time()

    assert "The text is too long to be mailed:" in refusals(part * (2_000_000 // len(part.encode())))[0]
    assert time.process_time() - began < 1


def test_text_that_grows_in_other_ways_is_measured_as_it_is_stored() -> None:
    assert "The text is too long to be mailed:" in refusals(f"<p>{'> ' * 500_000}</p>")[0]


def test_what_was_saved_can_be_saved_again() -> None:
    stored = bodies.cleaned(f"<p>{'Sea & sand ' * 100_000}</p>")

    assert bodies.cleaned(stored) == stored


def test_four_byte_emoji_are_kept_everywhere() -> None:
    body = (
        '<aside class="take" data-block="take" data-title="🧑‍🚀 take"><p>👩🏽‍🚀 <strong>🇯🇵</strong></p></aside>'
        '<div data-block="feedback" data-question="🤔?"></div>'
    )

    assert bodies.cleaned(body) == body
