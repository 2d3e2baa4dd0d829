"""Articles of real size in scripts, each with a difficulty of its own: direction, width, marks, joining, no blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from django.utils import translation
from lxml import html

from newsletter.rendering import SLOTS, Masthead, Stencil, mail_html, mail_text, merges, web
from newsletter.rendering.characters import columns
from tests.newsletter.articles import MASTHEAD, PICTURE, edition

GMAIL_CLIPS_AT = 102 * 1024


@dataclass(frozen=True)
class Language:
    code: str
    title: str
    sentences: tuple[str, ...]
    name: str  # a reader's


LANGUAGES = [
    Language("ar", "الجسر القديم", (
        "يبلغ طول الجسر القديم ١٢٠ مترًا، وقد بُني من حجر النهر قبل ثلاثة قرون.",
        "كل صباح يعبره الخبّازون قبل أن تستيقظ المدينة.",
        "قال المهندس: «لا يسقط الجسر الذي يُحبّه أهله».",
    ), "صديقنا"),
    Language("he", "הגשר הישן", (
        "הגשר הישן נבנה לפני שלוש מאות שנה, ואורכו 120 מטר.",
        "בכל בוקר חוצים אותו האופים, עוד לפני שהעיר מתעוררת.",
        "״גשר שאוהבים אותו אינו נופל״, אמרה המהנדסת.",
    ), "חברה"),
    Language("fa", "پل کهنه", (
        "پل کهنه سیصد سال پیش از سنگ رودخانه ساخته شد و ۱۲۰ متر درازا دارد.",
        "هر بامداد نانواها پیش از بیدار شدن شهر از آن می‌گذرند.",
        "مهندس گفت: «پلی که دوستش دارند، نمی‌افتد.»",
    ), "دوست"),
    Language("ja", "古い橋", (
        "古い橋は三百年前に川の石で造られ、長さは百二十メートルあります。",
        "毎朝、町が目を覚ます前に、パン屋たちがこの橋を渡ります。",
        "「愛されている橋は落ちません」と技師は言いました。",
    ), "読者"),
    Language("hi", "पुराना पुल", (
        "पुराना पुल तीन सौ साल पहले नदी के पत्थरों से बना था और १२० मीटर लंबा है।",
        "हर सुबह शहर के जागने से पहले नानबाई इसे पार करते हैं।",
        "“जिस पुल से प्यार हो, वह नहीं गिरता”, इंजीनियर ने कहा।",
    ), "मित्र"),
    Language("th", "สะพานเก่า", (
        "สะพานเก่าสร้างจากหินแม่น้ำเมื่อสามร้อยปีก่อน ยาวหนึ่งร้อยยี่สิบเมตร",
        "ทุกเช้าก่อนเมืองจะตื่น คนทำขนมปังเดินข้ามสะพานนี้",
        "วิศวกรบอกว่า “สะพานที่มีคนรักย่อมไม่พัง”",
    ), "เพื่อน"),
    Language("el", "Το παλιό γεφύρι", (
        "Το παλιό γεφύρι χτίστηκε πριν από τριακόσια χρόνια με πέτρες του ποταμού· έχει μήκος 120 μέτρα.",
        "Κάθε πρωί το περνούν οι φουρνάρηδες, προτού ξυπνήσει η πόλη.",
        "«Όποιο γεφύρι αγαπιέται δεν πέφτει», είπε η μηχανικός.",
    ), "φίλη"),
    Language("uk", "Старий міст", (
        "Старий міст збудували триста років тому з річкового каменю; він завдовжки 120 метрів.",
        "Щоранку ним ідуть пекарі, ще до того, як прокинеться місто.",
        "«Міст, який люблять, не впаде», — сказала інженерка.",
    ), "друже"),
]  # fmt: skip


def article(language: Language) -> str:
    """About as long as a day's issue, with every block."""
    paragraph = f"<p>{' '.join(language.sentences * 3)}</p>"
    one, two, three = language.sentences
    field = f'<span class="field" data-field="first_name" data-fallback="{language.name}">x</span>'
    blocks = (
        f'<p class="lead">{field}: {one}</p><h2>{language.title}</h2><ul><li><p><strong>{two}</strong> {three}</p></li>'
        f"<li>{one}</li></ul><ol><li>{two}</li></ol><blockquote><p>{three}</p></blockquote>"
        f'<blockquote class="pull"><p>{three}</p></blockquote>{PICTURE}<hr>'
        f'<aside class="take" data-block="take" data-title="{language.title}"><p>{one}</p></aside>'
        f'<aside class="sponsor" data-block="sponsor" data-title="{language.title}"><p>{two}</p></aside>'
        f'<section class="also" data-block="also" data-title="{language.title}"><ul><li>{three}</li></ul></section>'
        f'<p class="cta"><a class="btn" href="https://example.org/go">{language.title}</a></p>'
        f'<div data-block="feedback" data-question="{language.title}?"></div><div data-block="subscribe"></div>'
        f'<p>{one} <a href="https://example.org/more">{language.title}</a>. An English line ends it &amp; rests.</p>'
    )
    return blocks + paragraph * 25 + "<p>An English paragraph &lt;here&gt;.</p>"


def masthead(language: Language) -> Masthead:
    return replace(MASTHEAD, name=language.title, tagline=language.sentences[1], language=language.code)


in_each = pytest.mark.parametrize("language", LANGUAGES, ids=[language.code for language in LANGUAGES])


@pytest.fixture(autouse=True)
def spoken(request: pytest.FixtureRequest) -> Iterator[None]:
    with translation.override(request.getfixturevalue("language").code):
        yield


def mails(language: Language) -> tuple[str, str]:
    """The HTML and the text, as a reader gets them whose name is not known."""
    body = article(language)
    links = dict.fromkeys(SLOTS, "https://news.example.com/s/x")
    values = {name: fallback for name, (_field, fallback) in merges(body).items()}
    whole = edition(body, subject=language.title)
    faces = (mail_html(whole, masthead(language)), mail_text(whole, masthead(language)))
    html_, text = (Stencil.parse(face, allowed=[*SLOTS, *values]).fill(links | values) for face in faces)
    return html_, text


def plain(text: str) -> str:
    return re.sub(r"\s+", "", re.sub(r"^[|>*+-] ?|\u00a0\[\d+\]", "", text, flags=re.MULTILINE))


@in_each
def test_every_sentence_is_in_every_face(language: Language) -> None:
    page = html.fragment_fromstring(web(edition(article(language)), masthead(language)), create_parent="div")
    mail, text = mails(language)

    shown = [page.text_content(), html.fromstring(mail).text_content(), text]

    assert len(article(language)) > 6000
    for sentence in (*language.sentences, language.title, f"{language.name}:"):
        counts = [plain(face).count(plain(sentence)) for face in shown]
        assert min(counts) >= 1
        assert max(counts) - min(counts) <= 12  # around the text; the page leaves the feedback line out


@in_each
def test_mail_is_far_from_being_clipped_and_runs_the_right_way(language: Language) -> None:
    mail = html.fromstring(mails(language)[0])

    direction = "rtl" if language.code in {"ar", "he", "fa"} else "ltr"
    assert len(mails(language)[0].encode()) < GMAIL_CLIPS_AT
    assert (mail.get("lang"), mail.get("dir")) == (language.code, direction)
    turned = mail.xpath("//td[@class='text']//p[@dir]")
    expected = ["An English paragraph <here>."] if direction == "rtl" else []
    assert [paragraph.text_content() for paragraph in turned] == expected


@in_each
def test_text_is_folded_for_its_script_and_holds_no_entities(language: Language) -> None:
    text = mails(language)[1]

    wide = [line for line in text.split("\n") if columns(line) > 72]
    assert [line for line in wide if "https://" not in line and " " in line.strip("|>-* ")] == []
    assert not re.search(r"&\w+;|&#|</?\w+[^>]*>(?<!<here>)", text)
    assert "<here>" in text
