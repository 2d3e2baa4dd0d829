"""Which language a page speaks, and what it says of that to caches and browsers."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from lxml import html

from newsletter.locale import preferred, readers_language, spoken_by
from newsletter.models import Newsletter
from newsletter.views import speaking
from tests import factories


@pytest.mark.parametrize(
    ("code", "spoken"),
    [
        ("de", "de"),
        ("de-at", "de"),
        ("DE_CH", "de"),
        ("ar-dz", "ar"),
        ("pt-br", ""),
        ("den", ""),
        ("", ""),
        ("de\0", ""),
    ],
)
def test_readers_language_is_the_nearest_that_we_speak(code: str, spoken: str) -> None:
    assert readers_language(code) == spoken


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        ("pt-BR,pt;q=0.9,fr;q=0.5,en;q=0.4", "fr"),
        ("en;q=0.3, AR;q=0.9", "ar"),
        ("de;q=0, es", "es"),
        ("pt, *", ""),
        ("", ""),
        ("de;q=a lot", ""),
        (",".join(["de"] * 5000), "de"),
    ],
)
def test_browser_is_answered_in_the_best_that_we_speak(header: str, language: str) -> None:
    assert preferred(header) == language


def test_newsletter_speaks_its_own_language_unless_the_reader_has_one(daily: Newsletter) -> None:
    daily.language, daily.time_zone = "de", "Asia/Seoul"

    with spoken_by(daily):
        own = (translation.get_language(), timezone.get_current_timezone_name())
    with spoken_by(daily, "ko"):
        readers = (translation.get_language(), timezone.get_current_timezone_name())

    assert (own, readers) == (("de", "Asia/Seoul"), ("ko", "Asia/Seoul"))


@pytest.mark.parametrize(
    ("query", "reader", "newsletters", "browser", "spoken"),
    [
        ("?language=ko", "ar", "de", "fr", "ko"),  # chosen on the page
        ("", "ar", "de", "fr", "ar"),  # chosen once
        ("", "", "de-at", "fr", "de-at"),  # the newsletter's
        ("?language=tlh", "", "de", "fr", "de"),  # nothing we speak
        ("", "", "pt", "fr", "fr"),  # a newsletter's that is not translated: the browser's,
        ("", "", "pt", "it", "pt"),  # and its own where that is no help
        ("", "", "", "it;q=0.9,es;q=0.1", "es"),  # no newsletter
        ("", "", "", "it", "en"),
    ],
)
def test_page_speaks_as_was_chosen_else_as_its_newsletter_else_as_the_browser(
    query: str, reader: str, newsletters: str, browser: str, spoken: str
) -> None:
    request = RequestFactory().get(f"/x/{query}", headers={"Accept-Language": browser})
    newsletter = Newsletter(language=newsletters) if newsletters else None

    assert speaking.language_of(request, newsletter=newsletter, reader=reader) == spoken


def languages(page: str) -> tuple[str | None, str | None]:
    root = html.fromstring(page).getroottree().getroot()
    return root.get("lang"), root.get("dir")


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/nothing/here/", 404), ("/s/confirm/x/", 404)])
def test_page_without_a_newsletter_speaks_the_browsers_language_and_tells_caches(
    client: Client, path: str, status: int
) -> None:
    answer = client.get(path, headers={"Accept-Language": "ar"})

    assert answer.status_code == status
    assert (answer["Content-Language"], answer["Vary"]) == ("ar", "Accept-Language")
    assert languages(answer.text) == ("ar", "rtl")


@pytest.mark.parametrize("path", ["/daily/", "/daily/tides/", "/daily/look.css", "/daily/feed/"])
def test_page_that_caches_keep_does_not_depend_on_who_asks(
    daily: Newsletter, client: Client, path: str
) -> None:
    Newsletter.objects.update(language="de")
    factories.issue(daily, status="sent", published_at=timezone.now())

    answers = [
        client.get(path, headers={"Accept-Language": language}, query_params={"language": language})
        for language in ("ko", "ar")
    ]

    assert answers[0].content == answers[1].content
    assert "Accept-Language" not in answers[0].get("Vary", "")


def test_page_of_a_newsletter_tells_caches_only_where_it_asked_the_browser(
    daily: Newsletter, client: Client
) -> None:
    before = client.get("/daily/subscribe/", headers={"Accept-Language": "ko"})
    daily.language = "pt"
    daily.save()
    after = client.get("/daily/subscribe/", headers={"Accept-Language": "ko"})

    assert (before["Content-Language"], "Accept-Language" in before.get("Vary", "")) == ("en", False)
    assert (after["Content-Language"], "Accept-Language" in after.get("Vary", "")) == ("ko", True)


def test_languages_at_the_foot_open_the_same_page_and_keep_the_rest_of_its_address(
    daily: Newsletter, client: Client
) -> None:
    page = html.fromstring(client.get("/daily/subscribe/?ref=a%26b&language=fr").text)

    links = page.xpath("//nav[@class='languages']//a")
    assert [(link.text, link.get("href"), link.get("lang"), link.get("dir")) for link in links] == [
        (name, f"?ref=a%26b&language={code}", code, "rtl" if code == "ar" else "ltr")
        for code, name in settings.READER_LANGUAGES
    ]
    assert [link.get("lang") for link in links if link.get("aria-current")] == ["fr"]


@pytest.mark.django_db
def test_languages_are_not_offered_below_the_answer_to_a_press() -> None:
    request = RequestFactory().post("/s/confirm/x/?language=de")

    answer = speaking.page(request, "subscribers/link_invalid.html", status=404)

    assert b'class="languages"' not in answer.content
    assert answer["Content-Language"] == "de"


@pytest.mark.django_db
def test_desk_speaks_english_to_every_browser() -> None:
    client = Client(enforce_csrf_checks=True)

    pages = [
        client.get("/admin/login/", headers={"Accept-Language": "de"}),
        client.post("/admin/login/", headers={"Accept-Language": "de"}),  # without its token
    ]

    assert [(page.status_code, languages(page.text)[0]) for page in pages] == [(200, "en"), (403, "en")]


def test_broken_page_speaks_the_browsers_language_and_needs_no_database(client: Client) -> None:
    client.raise_request_exception = False
    answer = client.get("/", headers={"Accept-Language": "ko"})  # no database in this test: it breaks

    assert answer.status_code == 500
    assert languages(answer.text) == ("ko", "ltr")
