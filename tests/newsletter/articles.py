"""A day's issue of real size: about 1,500 words, every block, many scripts. All of it invented."""

from __future__ import annotations

import datetime
from dataclasses import replace

from newsletter.rendering import Edition, Masthead
from newsletter.samples import SAMPLES

MASTHEAD = Masthead(
    name="Tea & Tides",
    tagline="One good idea before breakfast.",
    url="https://news.example.com/tea-and-tides/",
    subscribe_url="https://news.example.com/tea-and-tides/subscribe/",
    postal_address="Tea & Tides, 12 Quay Street, Harbour Town",
    accent="#b3261e",
    language="en",
    readers_claim="114,000+",
)
ARABIC_MASTHEAD = replace(MASTHEAD, name="بريد الصباح", tagline="فكرة واحدة قبل القهوة", language="ar")

NAMES = (
    "<h2>Names as their owners write them</h2>"
    "<p>Ἀθῆναι and Αθήνα, Київ, 서울, 東京・京都, القاهرة, ירושלים, თბილისი, Reykjavík, Đà Nẵng, "
    "Łódź — “none of them” is ‘foreign’ at home.</p>"
    '<ul><li><p><strong>Lead-in:</strong> <a href="https://example.org/kr">🇰🇷 한국의 다리 소식</a></p></li>'
    '<li><p><a href="https://example.org/jp">🗾 日本の橋</a>, <a href="https://example.org/w">🏴󠁧󠁢󠁷󠁬󠁳󠁿 Cymru</a> and '
    '<a href="https://example.org/team">👩🏽‍🔧 the crew</a></p></li></ul>'
    "<p>مرحبا بكم في عدد اليوم، وفيه خبر عن جسر قديم.</p>"
)
PICTURE = (
    '<figure class="img"><img src="https://example.org/bridge.jpg" alt="A bridge at dusk" width="1200" height="800">'
    "<figcaption>The old bridge</figcaption></figure>"
)
BODY = SAMPLES[2].body + NAMES + PICTURE + SAMPLES[0].body
ARABIC_BODY = (
    '<p class="lead">صباح الخير. كل خريطة مسطّحة تختار كذبتها.</p><h2>الجسور</h2><p>يبلغ طول الجسر ١٢٠ مترًا.</p>'
    "<ul><li><p><strong>أولًا:</strong> الحجر.</p></li></ul><blockquote><p>الجسر وعدٌ من حجر.</p></blockquote>"
    "<p>An English line.</p>"
)


def edition(body: str, **fields: object) -> Edition:
    plain = Edition(
        subject="Tides & “bridges”",
        preheader="Fifty minutes late",
        authors="Maud Okonjo-Lind",
        body=body,
        url="https://news.example.com/tea-and-tides/bridges/",
        published_on=datetime.date(2026, 11, 21),
    )
    return replace(plain, **fields)
