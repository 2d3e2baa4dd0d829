"""Subject, preheader, links, pictures, days and weight: as inboxes and readers meet them."""

from __future__ import annotations

import datetime

import pytest

from newsletter.models import Issue, Newsletter
from newsletter.preflight import Level, dates, fields, leftovers, looking, pictures, weight, wording
from newsletter.preflight.dates import Said
from newsletter.preflight.reading import Image, Link
from newsletter.rendering import slot
from tests import factories
from tests.newsletter.articles import BODY
from tests.newsletter.words import codes, copy

TUESDAY = datetime.date(2026, 11, 24)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"subject": ""}, ["subject_missing"]),
        ({"subject": " "}, ["subject_missing"]),
        ({"subject": "x" * 46}, ["long_subject"]),
        ({"subject": "東京" * 12}, ["long_subject"]),
        ({"subject": "READ THIS NOW, EVERYBODY"}, ["shouting"]),
        ({"subject": "Now!!!"}, ["shouting"]),
        ({"subject": "NASA goes back"}, []),
        ({"subject": "NATO, EU"}, []),
        ({"subject": "今日の潮"}, []),
        ({"preheader": ""}, ["no_preheader"]),
        ({"preheader": "The Tide keeps its own clock"}, ["same_preheader"]),
    ],
)
def test_subject_and_preheader(fields: dict[str, str], expected: list[str]) -> None:
    assert codes(wording.findings(copy(**fields))) == expected


def test_subject_of_an_earlier_issue_is_asked_about() -> None:
    found = wording.findings(copy(), same_subject="3 March 2026")

    assert codes(found) == ["same_subject"]
    assert "3 March 2026" in found[-1].text


def test_day_of_the_same_subject_is_its_newsletters(daily: Newsletter) -> None:
    daily.time_zone = "Pacific/Auckland"
    daily.save()
    out_at = datetime.datetime(2026, 3, 2, 12, 30, tzinfo=datetime.UTC)
    factories.issue(daily, subject="Tides", status=Issue.Status.SENT, published_at=out_at)
    again = factories.issue(daily, "again", subject="Tides")

    said = [found.text for found in looking.content(again) if found.code == "same_subject"]

    assert ["3 March 2026" in words for words in said] == [True]


@pytest.mark.parametrize(
    ("text", "is_poor"),
    [
        ("click here", True),
        ("Here", True),
        ("Read more →", True),
        ("weiterlesen …", True),
        ("En savoir plus", True),
        ("clicca qui", True),
        ("https://example.org/a/very/long/address?with=a&query=too", True),
        ("example.org", False),
        ("https://example.org", False),
        ("the harbour's tide tables", False),
        ("here are the tide tables", False),
    ],
)
def test_words_of_links(text: str, *, is_poor: bool) -> None:
    assert wording.is_poor(Link("https://example.org/", text)) is is_poor


def test_link_around_a_picture_is_not_looked_at_for_words() -> None:
    assert not wording.is_poor(Link("https://example.org/", "", holds_picture=True))


@pytest.mark.parametrize(
    ("image", "says_nothing"),
    [
        (Image("/a.jpg", None), True),
        (Image("/a.jpg", "IMG_2041.jpeg"), True),
        (Image("/a.jpg", ""), False),
        (Image("/a.jpg", "A bridge at dusk"), False),
    ],
)
def test_what_a_picture_says(image: Image, *, says_nothing: bool) -> None:
    assert pictures.says_nothing(image) is says_nothing


def test_pictures_without_words_and_with_little_text_beside_them() -> None:
    body = '<figure class="img"><img src="/media/a.jpg"><figcaption>Dusk</figcaption></figure>' * 3

    found = pictures.findings(copy(body), cover_alt="", weight=3_200_000)

    assert [(each.code, each.field, each.near) for each in found] == [
        ("no_alt", "body", ("“Dusk”",)),
        ("no_cover_alt", "cover_alt", ()),
        ("image_heavy", "body", ()),
        ("heavy_pictures", "body", ()),
    ]


def test_real_article_is_fine() -> None:
    whole = copy(BODY)

    found = [
        *wording.findings(whole),
        *leftovers.findings(whole),
        *fields.findings(whole, known=()),
        *pictures.findings(whole),
    ]

    assert codes(found) == []


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Your Monday read", "en", [Said("Monday", weekday=0)]),
        ("News of 23 November", "en", [Said("23 November", month=11, day=23)]),
        ("November 23rd, 2026: tides", "en", [Said("November 23rd, 2026", month=11, day=23, year=2026)]),
        ("Am Montag am Meer", "de", [Said("Montag", weekday=0)]),
        ("Der 3. Dezember", "de", [Said("3. Dezember", month=12, day=3)]),
        ("Vom 23.11.2026", "de", [Said("23.11.2026", month=11, day=23, year=2026)]),
        ("Le 1er mars", "fr", [Said("1er mars", month=3, day=1)]),
        (
            "El lunes 23 de noviembre",
            "es",
            [Said("23 de noviembre", month=11, day=23), Said("lunes", weekday=0)],
        ),
        ("Lunedì mattina", "it", [Said("Lunedì", weekday=0)]),
        ("Maandag 23 nov.", "nl", [Said("23 nov.", month=11, day=23), Said("Maandag", weekday=0)]),
        ("Na sexta-feira", "pt", [Said("sexta-feira", weekday=4)]),
        ("Issue of 2026-11-23", "en", [Said("2026-11-23", month=11, day=23, year=2026)]),
        ("Black Friday begins today", "en", []),
        ("You may 30 times", "en", [Said("may 30", month=5, day=30)]),
        ("Sun, sea and the mon", "en", []),
        ("Tomorrow, yesterday and today", "en", []),
        ("32 November, 3.5 million", "en", []),
        ("Mardi Gras", "fr", []),
    ],
)
def test_days_that_a_text_names(text: str, language: str, expected: list[Said]) -> None:
    assert dates.said(text, language=language) == expected


def test_day_that_is_not_the_day_of_sending_is_asked_about() -> None:
    words = {"subject": "Your Monday tides", "preheader": "Tuesday 24 November", "language": "en"}

    found = dates.findings(**words, on=TUESDAY)
    unknown = dates.findings(**words, on=None)
    monday = dates.findings(**words, on=TUESDAY - datetime.timedelta(days=1))

    assert [(each.code, each.field, each.near) for each in found] == [("other_day", "subject", ("“Monday”",))]
    assert unknown == []
    assert [each.near for each in monday] == [("“24 November”", "“Tuesday”")]


def mail(html: str, text: str = "") -> weight.Mail:
    way_out = slot("unsubscribe_url")
    return weight.Mail.of(html + way_out, text + way_out)


NEWSLETTER = Newsletter(postal_address="1 Quay Street")


def test_mail_is_weighed_in_bytes_with_the_longest_values() -> None:
    answer = slot("feedback_url")
    name = slot("first_name_12345678_html")

    assert mail("é" * 10).size == 20 + weight.LONGEST_LINK
    assert mail(answer + name).size == 2 * weight.LONGEST_LINK + weight.LONGEST_VALUE


def test_mail_that_gmail_cuts_off_asks_for_a_decision() -> None:
    fits = weight.findings(mail("x" * 100 * 1024), newsletter=NEWSLETTER)
    too_long = weight.findings(mail("x" * 102 * 1024), newsletter=NEWSLETTER)
    a_little_longer = weight.findings(mail("x" * (102 * 1024 + 40)), newsletter=NEWSLETTER)

    assert codes(fits) == []
    assert [(each.level, each.code) for each in too_long if each.level != Level.FINE] == [
        (Level.DECISION, "clipped")
    ]
    assert too_long[-1].mark == a_little_longer[-1].mark


def test_mail_without_a_way_out_is_never_sent() -> None:
    no_link = weight.Mail.of("<p>Good morning.</p>", slot("unsubscribe_url"))

    found = weight.findings(no_link, newsletter=Newsletter(postal_address=" "))

    assert codes(found) == ["no_way_out", "no_postal_address"]
