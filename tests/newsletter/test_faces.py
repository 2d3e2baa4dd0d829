"""Whole results where they are short; what must hold for every issue where they are long."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from newsletter.rendering import SLOTS, Cover, Stencil, mail_html, mail_text, merges, web
from newsletter.rendering.characters import SLOT_CLOSE, SLOT_OPEN
from newsletter.samples import SAMPLES
from tests.newsletter import articles
from tests.newsletter.articles import ARABIC_BODY, ARABIC_MASTHEAD, BODY, MASTHEAD, edition
from tests.newsletter.test_sanitising import bodies

GMAIL_CLIPS_AT = 102 * 1024
ENDS = ".,;:!?()“”’"
LINK = "https://news.example.com/s/unsubscribe/token"


@pytest.fixture(autouse=True)
def english() -> None:
    translation.activate("en")


def body_of_mail(mail: str) -> html.HtmlElement:
    return html.fromstring(mail).xpath("//td[@class='text']")[0]


def words_in(root: html.HtmlElement) -> list[str]:
    return " ".join(root.itertext()).split()


def words_of(text: str) -> str:
    return " ".join(text.split())


def test_web_face_of_every_block() -> None:
    body = (
        '<p class="lead">Lead &amp; “more”</p><ul><li><p><strong>Bold:</strong> one</p></li></ul>'
        '<aside class="take" data-block="take" data-title="A &lt;view&gt;"><p>Box</p></aside>'
        '<section class="also" data-block="also"><ul><li>Note</li></ul></section>'
        '<aside class="joke" data-block="joke"><p>Ha.</p></aside><hr>'
        '<p class="cta"><a class="btn" href="/go/">Go</a></p><p></p>'
    )

    assert web(edition(body), MASTHEAD).split("\n") == [
        '<p class="lead">Lead &amp; “more”</p>',
        "<ul><li><strong>Bold:</strong> one</li></ul>",
        '<aside class="take" aria-label="A &lt;view&gt;"><p class="block-label">A &lt;view&gt;</p><p>Box</p></aside>',
        '<section class="also" aria-label="Also worth noting"><p class="block-label">Also worth noting</p>'
        "<ul><li>Note</li></ul></section>",
        '<aside class="joke"><p>Ha.</p></aside>',
        "<hr>",
        '<p class="cta"><a class="btn" href="https://news.example.com/go/">Go</a></p>',
    ]


def test_web_subscribe_box_is_a_plain_form() -> None:
    box = '<div data-block="subscribe" data-strapline="Come &amp; see"></div>'

    assert web(edition(box), MASTHEAD) == (
        '<section class="subscribe-box" aria-label="Subscribe to Tea &amp; Tides">'
        '<p class="strapline" dir="auto">Come &amp; see</p>'
        '<form method="post" action="https://news.example.com/tea-and-tides/subscribe/">'
        '<label><span class="visually-hidden">Your e-mail address</span><input placeholder="you@example.com"'
        ' type="email" name="email" autocomplete="email" maxlength="254" required=""></label>'
        '<label class="honeypot" aria-hidden="true">Leave this empty'
        '<input name="website" tabindex="-1" autocomplete="off"></label>'
        '<button type="submit" class="btn">Subscribe</button></form>'
        '<p class="promise"><strong>Trusted by 114,000+ readers.</strong> Unsubscribe any time.</p></section>'
    )


def test_subscribe_box_without_a_claim_claims_nothing() -> None:
    modest = replace(MASTHEAD, readers_claim="")
    box = edition('<div data-block="subscribe"></div>')

    assert '<p class="strapline" dir="auto">One good idea before breakfast.</p>' in web(box, modest)
    assert '<p class="promise">Unsubscribe any time.</p>' in web(box, modest)
    assert "Trusted" not in web(box, modest) + mail_html(box, modest) + mail_text(box, modest)


def test_text_face_reads_as_if_typed() -> None:
    body = (
        '<aside class="joke" data-block="joke"><p>Ha &amp; ha.</p></aside>'
        '<p>See <a href="https://example.org/jp">🇯🇵 日本</a>, <a href="https://example.org/x">https://example.org/x</a>'
        ' or <a href="mailto:ada@example.com?subject=Hi">write to Ada</a>; <a href="https://example.org/jp">again</a>.</p>'
        "<h2>Low &lt; high</h2><ul><li><p><strong>Bold:</strong> one</p></li><li><p>two</p></li></ul>"
        "<ol><li>a</li><li>b</li></ol><blockquote><p>Said</p><p>she</p></blockquote>"
        '<aside class="take" data-block="take" data-title="Our view"><p>Box</p></aside>'
        '<div data-block="subscribe"></div><p class="cta"><a class="btn" href="https://example.org/go">Go</a></p>'
        '<figure class="img"><img src="https://example.org/a.png" alt="A bridge"><figcaption>Old</figcaption></figure>'
        '<hr><section class="also" data-block="also" data-title="Notes"><ul><li>Note</li></ul></section>'
    )

    assert (
        mail_text(edition(body), MASTHEAD).replace("\u00a0", " ")
        == f"""\
Tea & Tides
Saturday, 21 November 2026

Tides & “bridges”
=================

By Maud Okonjo-Lind

Read on the web: https://news.example.com/tea-and-tides/bridges/

    Ha & ha.

See 🇯🇵 日本 [1], https://example.org/x or write to Ada
(ada@example.com); again [1].

Low < high
----------

- Bold: one
- two

1. a
2. b

> Said
>
> she

| Our view
|
| Box

| One good idea before breakfast.
| → Subscribe: https://news.example.com/tea-and-tides/subscribe/
| Trusted by 114,000+ readers. Unsubscribe any time.

→ Go
  https://example.org/go

[Picture: A bridge]
Old

                                 * * *

Notes
-----

- Note

Links
-----
[1] https://example.org/jp

------------------------------------------------------------------------
You get this mail because you subscribed to Tea & Tides.
Tea & Tides, 12 Quay Street, Harbour Town

Unsubscribe: {SLOT_OPEN}unsubscribe_url{SLOT_CLOSE}
All issues: https://news.example.com/tea-and-tides/
"""
    )


def test_text_face_folds_lines_for_narrow_and_wide_scripts() -> None:
    body = f"<p>{'word ' * 40}</p><p>{'橋' * 80}</p><p>{'한국의 다리 ' * 20}</p><p>https://example.org/{'x' * 90}</p>"

    lines = mail_text(edition(body), MASTHEAD).split("\n")

    longest = [line for line in lines if len(line) > 72]
    assert longest == [f"https://example.org/{'x' * 90}"]
    assert "橋" * 36 in lines
    assert "橋" * 37 not in lines


@pytest.mark.parametrize("face", [web, mail_html, mail_text])
def test_every_script_and_flag_survives(face: object) -> None:
    shown = face(edition(articles.NAMES), MASTHEAD)

    text = words_of(shown if face is mail_text else html.fromstring(shown).text_content()).replace(
        "\u00a0", " "
    )
    for name in ("Ἀθῆναι and Αθήνα, Київ, 서울, 東京・京都, القاهرة, ירושלים, თბილისი, Reykjavík, Đà Nẵng,",
                 "Łódź — “none of them” is ‘foreign’ at home.", "🇰🇷 한국의 다리 소식", "🗾 日本の橋",
                 "🏴󠁧󠁢󠁷󠁬󠁳󠁿 Cymru", "👩🏽‍🔧 the crew", "مرحبا بكم في عدد اليوم، وفيه خبر عن جسر قديم."):  # fmt: skip
        assert name in text


def test_mail_carries_what_the_law_and_the_reader_need() -> None:
    mail = html.fromstring(mail_html(edition(BODY), MASTHEAD))

    links = {
        link.text_content(): link.get("href") for link in mail.xpath("//td[contains(@class, 'foot')]//a")
    }
    foot = [words_of(line.text_content()) for line in mail.xpath("//td[contains(@class, 'foot')]/p")]
    assert links == {
        "Unsubscribe": f"{SLOT_OPEN}unsubscribe_url{SLOT_CLOSE}",
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


def test_arabic_runs_from_right_to_left() -> None:
    translation.activate("ar")

    mail = html.fromstring(mail_html(edition(ARABIC_BODY), ARABIC_MASTHEAD))
    page = html.fragment_fromstring(web(edition(ARABIC_BODY), ARABIC_MASTHEAD), create_parent="article")

    assert (mail.get("lang"), mail.get("dir"), mail.find("body").get("dir")) == ("ar", "rtl", "rtl")
    assert "padding:0 24px 0 0" in mail.xpath("//ul/@style")[0]
    assert "border-right:2px solid" in mail.xpath("//blockquote/@style")[0]
    # The line in the other script says so itself.
    assert page.xpath("//*[@dir]/text()") == ["An English line."]
    assert page.xpath("//*[@dir]/@dir") == ["ltr"]


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


def test_filled_mail_has_the_readers_own_link() -> None:
    for face in (mail_html, mail_text):
        filled = Stencil.parse(face(edition(BODY), MASTHEAD)).fill({"unsubscribe_url": LINK})

        assert filled.count(LINK) == 1
        assert SLOT_OPEN not in filled


def test_faces_speak_the_active_language() -> None:
    with translation.override("de"):
        assert "Samstag, 21. November 2026" in mail_text(edition("<p>a</p>"), MASTHEAD)


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


SPONSOR = (
    '<aside class="sponsor" data-block="sponsor"><p>Ropes by <a href="https://example.org/rope">Rope &amp; Co</a></p>'
    '<p class="cta"><a class="btn" href="https://example.org/buy">Buy</a></p></aside>'
)


def test_what_is_paid_for_says_so_in_every_face() -> None:
    named = SPONSOR.replace('data-block="sponsor"', 'data-block="sponsor" data-title="From our partner"')

    assert web(edition(SPONSOR), MASTHEAD) == (
        '<aside class="sponsor" aria-label="Sponsored"><p class="block-label">Sponsored</p>'
        '<p>Ropes by <a rel="sponsored" href="https://example.org/rope">Rope &amp; Co</a></p>'
        '<p class="cta"><a rel="sponsored" class="btn" href="https://example.org/buy">Buy</a></p></aside>'
    )
    assert (
        "| Sponsored\n|\n| Ropes by Rope & Co\u00a0[1]\n|\n| → Buy\n|   https://example.org/buy\n"
        in mail_text(edition(SPONSOR), MASTHEAD)
    )
    box = html.fromstring(mail_html(edition(SPONSOR), MASTHEAD)).xpath(
        "//table[contains(@class, 'sponsor')]"
    )[0]
    assert box.xpath(".//p[contains(@class, 'label')]/text()") == ["Sponsored"]
    for face in (web, mail_html, mail_text):
        assert "From our partner" in face(edition(named), MASTHEAD)


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


def test_picture_that_only_adorns_is_silent() -> None:
    body = '<figure class="img"><img src="/media/a.jpg" alt="" width="1200" height="800"></figure>'

    assert web(edition(body), MASTHEAD) == (
        '<figure class="img"><img loading="lazy" decoding="async" alt="" src="https://news.example.com/media/a.jpg"'
        ' width="1200" height="800"></figure>'
    )
    assert body_of_mail(mail_html(edition(body), MASTHEAD)).xpath(".//img/@alt") == [""]
    assert "[" not in mail_text(edition(body), MASTHEAD).partition("-----")[0].partition("bridges/")[2]


def test_picture_in_a_box_fits_into_it_in_outlook() -> None:
    mail = mail_html(edition(SPONSOR.replace("<p>Ropes", f"{articles.PICTURE}<p>Ropes")), MASTHEAD)

    assert body_of_mail(mail).xpath(".//img/@width") == ["466"]


def test_mail_for_readers_only_has_a_link_of_their_own_to_the_page() -> None:
    whole = edition("<p>a</p>", is_for_readers=True)

    assert edition("").url not in mail_html(whole, MASTHEAD) + mail_text(whole, MASTHEAD)
    for face in (mail_html, mail_text):
        assert set(Stencil.parse(face(whole, MASTHEAD)).slots) == {"unsubscribe_url", "web_url"}
