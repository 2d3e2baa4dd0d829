"""What every mail must have, and what mail programs make of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from lxml import html

from newsletter.rendering import Cover, Stencil, mail_html, mail_text, web
from newsletter.rendering.characters import SLOT_CLOSE, SLOT_OPEN
from newsletter.samples import SAMPLES
from tests.newsletter import articles
from tests.newsletter.articles import BODY, MASTHEAD, edition
from tests.newsletter.shown import SPONSOR, body_of_mail, words_in, words_of

pytestmark = pytest.mark.usefixtures("english")

GMAIL_CLIPS_AT = 102 * 1024
ENDS = ".,;:!?()“”’"
LINK = "https://news.example.com/s/unsubscribe/token"


def test_mail_carries_what_the_law_and_the_reader_need() -> None:
    mail = html.fromstring(mail_html(edition(BODY), MASTHEAD))

    links = {
        link.text_content(): link.get("href") for link in mail.xpath("//td[contains(@class, 'foot')]//a")
    }
    foot = [words_of(line.text_content()) for line in mail.xpath("//td[contains(@class, 'foot')]/p")]
    assert links == {
        "Unsubscribe": f"{SLOT_OPEN}unsubscribe_url{SLOT_CLOSE}",
        "Manage my subscription": "https://news.example.com/tea-and-tides/manage/",
        "Read on the web": "https://news.example.com/tea-and-tides/bridges/",
        "All issues": "https://news.example.com/tea-and-tides/",
    }
    assert foot[:2] == [
        "You get this mail because you subscribed to Tea & Tides.",
        "Tea & Tides, 12 Quay Street, Harbour Town",
    ]
    assert mail.xpath("//td[contains(@class, 'plate')]//a/@href") == [MASTHEAD.url, edition("").url]
    assert mail.xpath("//title/text()") == mail.xpath("//h1/text()") == ["Tides & “bridges”"]


@pytest.mark.parametrize("body", [sample.body for sample in SAMPLES] + [BODY], ids=str.__len__)
def test_both_mail_faces_say_all_that_the_body_says(body: str) -> None:
    wanted = words_in(html.fragment_fromstring(body, create_parent="div"))

    shown = words_in(body_of_mail(mail_html(edition(body), MASTHEAD)))
    text = re.sub(r"\u00a0\[\d+\]|\n(\|| )", " ", mail_text(edition(body), MASTHEAD))

    assert set(wanted) - set(shown) == set()
    # What ends a link is followed by its number there, so whole words are compared without what ends them.
    assert {word.strip(ENDS) for word in wanted} - {word.strip(ENDS) for word in text.split()} == set()


def test_real_issue_is_far_from_being_clipped() -> None:
    assert 1300 <= len(html.fromstring(BODY).text_content().split()) <= 1700

    size = len(mail_html(edition(BODY), MASTHEAD).encode())

    assert size < GMAIL_CLIPS_AT / 3


def test_mail_with_every_block_holds_in_old_mail_programs() -> None:
    mail = mail_html(edition(BODY), MASTHEAD)

    # Outlook's ghost table and its buttons stand in comments, each closed again.
    assert mail.count("<!--[if mso]>") == mail.count("<![endif]-->") == 2 + 1 + 4
    assert mail.count("<v:roundrect") == mail.count("</v:roundrect>") == 4
    for image in body_of_mail(mail).iter("img"):
        assert (image.get("width"), image.get("height"), image.get("alt")) == (
            "520",
            "347",
            "A bridge at dusk",
        )
        # One that does not load must not be 520 pixels wide on a phone, either.
        assert "width:100%;max-width:520px;height:auto" in image.get("style")
    assert not re.search(r"<(script|form|input|link|iframe)\b|position:|var\(--|url\(", mail)


def test_two_styles_are_kept_for_phones_and_for_the_dark() -> None:
    styles = html.fromstring(mail_html(edition(BODY), MASTHEAD)).xpath("/html/head/style/text()")

    assert [style.strip().split("{")[0] for style in styles] == [
        ":root",
        "@media (prefers-color-scheme:dark)",
    ]
    assert all(len(style) < 8192 for style in styles)  # Gmail drops longer ones whole


def test_mail_lines_are_short_enough_for_smtp() -> None:
    sentence = "<p>" + "A plain sentence of a usual length, as people write them. " * 12 + "</p>"

    assert max(len(line.encode()) for line in mail_html(edition(sentence * 40), MASTHEAD).split("\n")) < 998


def test_filled_mail_has_the_readers_own_link() -> None:
    for face in (mail_html, mail_text):
        filled = Stencil.parse(face(edition(BODY), MASTHEAD)).fill({"unsubscribe_url": LINK})

        assert filled.count(LINK) == 1
        assert SLOT_OPEN not in filled


def test_feedback_is_asked_in_mails_alone_and_by_plain_links() -> None:
    body = '<p>a</p><div data-block="feedback" data-question="Any &lt;good&gt;?"></div><p>b</p>'
    address = f"{SLOT_OPEN}feedback_url{SLOT_CLOSE}"

    assert web(edition(body), MASTHEAD) == "<p>a</p>\n<p>b</p>"
    assert (
        f"a\n\nAny <good>?\n→ Good: {address}?answer=good\n→ So-so: {address}?answer=fair\n"
        f"→ Not good: {address}?answer=poor\n\nb\n"
    ) in mail_text(edition(body), MASTHEAD)
    box = html.fromstring(mail_html(edition(body), MASTHEAD)).xpath("//table[contains(@class, 'feedback')]")[
        0
    ]
    assert [(link.text, link.get("href")) for link in box.iter("a")] == [
        ("Good", f"{address}?answer=good"),
        ("So-so", f"{address}?answer=fair"),
        ("Not good", f"{address}?answer=poor"),
    ]
    assert "Was this good?" in mail_text(edition('<div data-block="feedback"></div>'), MASTHEAD)


def test_cover_stands_at_the_head_of_both_mails() -> None:
    cover = Cover("https://news.example.com/media/a.jpg", 'A "pier"', 1200, 630)

    mail = html.fromstring(mail_html(edition("<p>a</p>", cover=cover), MASTHEAD))

    [image] = mail.xpath("//td[@class='cover']/img")
    assert {name: image.get(name) for name in ("src", "alt", "width", "height")} == {
        "src": cover.src,
        "alt": 'A "pier"',
        "width": "600",
        "height": "315",
    }
    assert '[Picture: A "pier"]\n\na\n' in mail_text(edition("<p>a</p>", cover=cover), MASTHEAD)
    assert "[Picture" not in mail_text(edition("<p>a</p>", cover=replace(cover, alt="")), MASTHEAD)


def test_picture_in_a_box_fits_into_it_in_outlook() -> None:
    mail = mail_html(edition(SPONSOR.replace("<p>Ropes", f"{articles.PICTURE}<p>Ropes")), MASTHEAD)

    assert body_of_mail(mail).xpath(".//img/@width") == ["466"]


def test_mail_for_readers_only_has_a_link_of_their_own_to_the_page() -> None:
    whole = edition("<p>a</p>", is_for_readers=True)

    assert edition("").url not in mail_html(whole, MASTHEAD) + mail_text(whole, MASTHEAD)
    for face in (mail_html, mail_text):
        assert set(Stencil.parse(face(whole, MASTHEAD)).slots) == {"unsubscribe_url", "web_url"}
