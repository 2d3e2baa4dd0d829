"""Whole results where they are short; what must hold for every issue where they are long."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import translation
from lxml import html

from newsletter.rendering import mail_html, mail_text, web
from newsletter.rendering.characters import SLOT_CLOSE, SLOT_OPEN
from tests.newsletter import articles
from tests.newsletter.articles import ARABIC_BODY, ARABIC_MASTHEAD, MASTHEAD, edition
from tests.newsletter.shown import SPONSOR, body_of_mail, words_of

pytestmark = pytest.mark.usefixtures("english")


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
Manage my subscription: https://news.example.com/tea-and-tides/manage/
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


def test_faces_speak_the_active_language() -> None:
    with translation.override("de"):
        assert "Samstag, 21. November 2026" in mail_text(edition("<p>a</p>"), MASTHEAD)


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


def test_picture_that_only_adorns_is_silent() -> None:
    body = '<figure class="img"><img src="/media/a.jpg" alt="" width="1200" height="800"></figure>'

    assert web(edition(body), MASTHEAD) == (
        '<figure class="img"><img loading="lazy" decoding="async" alt="" src="https://news.example.com/media/a.jpg"'
        ' width="1200" height="800"></figure>'
    )
    assert body_of_mail(mail_html(edition(body), MASTHEAD)).xpath(".//img/@alt") == [""]
    assert "[" not in mail_text(edition(body), MASTHEAD).partition("-----")[0].partition("bridges/")[2]
