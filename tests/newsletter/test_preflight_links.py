"""What an address tells by its looks, and what is known of those that were followed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from newsletter import linkcheck, preflight
from newsletter.linkcheck import Kind
from newsletter.linkcheck.checking import without_fragment
from newsletter.models import CheckedLink, Issue, Newsletter, Picture
from newsletter.preflight import Finding, Level
from tests import factories


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/page", Kind.PUBLIC),
        ("http://example.org:80/", Kind.PUBLIC),
        ("https://8.8.8.8/", Kind.PUBLIC),
        ("https://日本.jp/橋", Kind.PUBLIC),
        ("mailto:editors@example.org?subject=Hi", Kind.MAIL),
        ("mailto:", Kind.UNUSABLE),
        ("https://", Kind.UNUSABLE),
        ("javascript:alert(1)", Kind.UNUSABLE),
        ("ftp://example.org/", Kind.UNUSABLE),
        ("https://exa mple.org/", Kind.UNUSABLE),
        ("https://example..org/", Kind.UNUSABLE),
        ("https://[::1", Kind.UNUSABLE),
        ("https://example.org:99999/", Kind.UNUSABLE),
        ("https://1.2.3.4.5/", Kind.UNUSABLE),
        ("https://ada:secret@example.org/", Kind.CREDENTIALS),
        ("https://example.org:8443/", Kind.PORT),
        ("http://localhost/", Kind.PRIVATE),
        ("http://localhost./", Kind.PRIVATE),
        ("http://LOCALHOST:8000/", Kind.PRIVATE),
        ("http://news.localhost/", Kind.PRIVATE),
        ("http://intranet/", Kind.PRIVATE),
        ("http://printer.local/", Kind.PRIVATE),
        ("http://wiki.internal/", Kind.PRIVATE),
        ("http://site.test/", Kind.PRIVATE),
        ("http://router.home.arpa/", Kind.PRIVATE),
        ("http://app.10.0.0.1.nip.io/", Kind.PRIVATE),
        ("http://127.0.0.1/", Kind.PRIVATE),
        ("http://127.1/", Kind.PRIVATE),
        ("http://2130706433/", Kind.PRIVATE),
        ("http://0x7f.0.0.1/", Kind.PRIVATE),
        ("http://0x7f000001/", Kind.PRIVATE),
        ("http://0177.0.0.1/", Kind.PRIVATE),
        ("http://%31%32%37.0.0.1/", Kind.PRIVATE),
        ("http://１２７.0.0.1/", Kind.PRIVATE),
        ("http://127。0。0。1/", Kind.PRIVATE),
        ("http://0/", Kind.PRIVATE),
        ("http://10.1.2.3/", Kind.PRIVATE),
        ("http://172.16.0.1/", Kind.PRIVATE),
        ("http://192.168.1.1/", Kind.PRIVATE),
        ("http://169.254.169.254/latest/meta-data/", Kind.PRIVATE),
        ("http://100.64.0.1/", Kind.PRIVATE),
        ("http://100.100.100.200/", Kind.PRIVATE),
        ("http://168.63.129.16/", Kind.PRIVATE),
        ("http://192.0.0.192/", Kind.PRIVATE),
        ("http://198.18.0.1/", Kind.PRIVATE),
        ("http://224.0.0.1/", Kind.PRIVATE),
        ("http://240.0.0.1/", Kind.PRIVATE),
        ("http://255.255.255.255/", Kind.PRIVATE),
        ("http://[::1]/", Kind.PRIVATE),
        ("http://[::]/", Kind.PRIVATE),
        ("http://[::ffff:127.0.0.1]/", Kind.PRIVATE),
        ("http://[::ffff:7f00:1]/", Kind.PRIVATE),
        ("http://[::127.0.0.1]/", Kind.PRIVATE),
        ("http://[fd00:ec2::254]/", Kind.PRIVATE),
        ("http://[fe80::1]/", Kind.PRIVATE),
        ("http://[fec0::1]/", Kind.PRIVATE),
        ("http://[ff02::1]/", Kind.PRIVATE),
        ("http://[64:ff9b::7f00:1]/", Kind.PRIVATE),
        ("http://[64:ff9b:1::a00:1]/", Kind.PRIVATE),
        ("http://[2002:7f00:1::]/", Kind.PRIVATE),
        ("http://[2001:0:7f00:1::]/", Kind.PRIVATE),
        ("http://[2606:4700::1111]/", Kind.PUBLIC),
        ("https://staging.example.org/", Kind.STAGING),
        ("https://news-staging.example.org/", Kind.STAGING),
        ("https://dev.example.org/", Kind.STAGING),
        ("https://preview.example.co.uk/", Kind.STAGING),
        ("https://site-git-tides-team.vercel.app/", Kind.STAGING),
        ("https://site-a1b2c3d4e-team.vercel.app/", Kind.STAGING),
        ("https://deploy-preview-12--site.netlify.app/", Kind.STAGING),
        ("https://1a2b3c4d.site.pages.dev/", Kind.STAGING),
        ("https://abcd.ngrok-free.app/", Kind.STAGING),
        ("https://site.vercel.app/", Kind.PUBLIC),
        ("https://site.netlify.app/", Kind.PUBLIC),
        ("https://dev.to/ada", Kind.PUBLIC),
        ("https://dev.mysql.com/doc/", Kind.PUBLIC),
        ("https://preview.redd.it/x.jpg", Kind.PUBLIC),
        ("https://www.test.de/", Kind.PUBLIC),
        ("https://testing-ground.example.org/", Kind.PUBLIC),
    ],
)
def test_kind_of_an_address(url: str, expected: Kind) -> None:
    assert linkcheck.kind(url) == expected


def test_own_site_is_known_by_path(settings: Any) -> None:
    settings.SITE_URL = "https://news.example.org"
    urls = [
        "/daily/",
        "https://news.example.org/daily/?a=1#top",
        "https://example.org/",
        "//example.org/",
        "mailto:a@b.c",
    ]

    assert [linkcheck.own_path(url) for url in urls] == ["/daily/", "/daily/", None, None, None]


def test_links_are_followed_once_without_what_stands_behind_the_hash() -> None:
    urls = [
        "https://example.org/a#one",
        "https://example.org/a#two",
        "/own/",
        "mailto:a@b.cd",
        "http://127.1/",
        "#",
        "",
    ]

    assert linkcheck.to_follow(urls) == ["https://example.org/a"]
    assert without_fragment("https://[half") == "https://[half"


def open_findings(issue: Issue) -> dict[str, Finding]:
    return {each.code: each for each in preflight.content(issue) if each.level != Level.FINE}


def with_links(newsletter: Newsletter, *hrefs: str) -> Issue:
    links = "".join(f'<p>Tides and <a href="{href}">a page of them</a> for you.</p>' for href in hrefs)
    return factories.issue(newsletter, body=links)


def checked(url: str, outcome: str, detail: str) -> None:
    CheckedLink.objects.create(
        url_hash=linkcheck.checking._hash(url),
        url=url,
        outcome=outcome,
        detail=detail,
        checked_at=timezone.now() - timedelta(days=2),
    )


def test_links_that_nobody_can_follow_are_in_the_way(daily: Newsletter) -> None:
    issue = with_links(
        daily, "http://127.1/", "https://ada:x@example.org/", "https://staging.example.org/", "#"
    )

    found = open_findings(issue)

    assert {code: each.level for code, each in found.items()} == {
        "private_link": Level.BLOCKER,
        "credentials_link": Level.BLOCKER,
        "no_address": Level.BLOCKER,
        "staging_link": Level.DECISION,
    }
    assert found["private_link"].near == ("“a page of them” → http://127.1/",)


def test_links_on_our_own_site_are_looked_up_there(daily: Newsletter) -> None:
    other = factories.newsletter("weekly")
    factories.issue(other, "out", status="sent", published_at=timezone.now())
    factories.issue(daily, "later")
    issue = with_links(
        daily,
        *("/", "/daily/", "/weekly/out/", "/daily/subscribe/", "/daily/feed/", "/daily/tides/"),
        *(
            "/daily/later/",
            "/daily/nowhere/",
            "/none/",
            "/admin/newsletter/",
            "/s/unsubscribe/abc",
            "/healthz",
        ),
    )

    found = open_findings(issue)

    assert {code: each.near for code, each in found.items()} == {
        "draft_link": ("“a page of them” → /daily/later/",),
        "missing_page": (
            "“a page of them” → /daily/nowhere/",
            "“a page of them” → /none/",
            "“a page of them” → /healthz",
        ),
        "desk_link": ("“a page of them” → /admin/newsletter/",),
        "personal_link": ("“a page of them” → /s/unsubscribe/abc",),
    }


def test_picture_of_our_own_that_is_not_there_is_in_the_way(daily: Newsletter) -> None:
    Picture.objects.create(digest="a" * 32, format="jpg", width=2, height=2, data=b"x" * 10)
    text = f"<p>{'A long walk along the quay. ' * 20}</p>"
    pictures = "".join(
        f'<figure class="img"><img src="/media/{d * 32}.jpg" alt="Quay"></figure>' for d in "ab"
    )
    issue = factories.issue(daily, body=text + pictures)

    found = open_findings(issue)

    assert {code: each.near for code, each in found.items()} == {
        "missing_picture": (f"/media/{'b' * 32}.jpg",),
    }


def test_what_was_found_by_following_is_said(daily: Newsletter, settings: Any) -> None:
    settings.LINK_CHECKS = True
    answers = {
        "https://example.org/fine": ("fine", "200"),
        "https://example.org/gone": ("broken", "410"),
        "https://nowhere.example.org/": ("broken", "host"),
        "https://inside.example.org/": ("refused", "private"),
        "https://slow.example.org/": ("silent", "slow"),
        "https://ill.example.org/": ("silent", "503"),
    }
    for url, answer in answers.items():
        checked(url, *answer)
    issue = with_links(daily, *answers)

    found = open_findings(issue)

    assert {code: (each.level, each.near) for code, each in found.items()} == {
        "broken_link": (
            Level.BLOCKER,
            (
                "“a page of them” → https://example.org/gone: the page was taken down",
                "“a page of them” → https://nowhere.example.org/: there is no such host",
            ),
        ),
        "private_link": (
            Level.BLOCKER,
            ("“a page of them” → https://inside.example.org/: it leads into a private network",),
        ),
        "silent_link": (
            Level.WARNING,
            (
                "“a page of them” → https://slow.example.org/: no answer in time",
                "“a page of them” → https://ill.example.org/: it answers with error 503",
            ),
        ),
    }


def test_links_that_were_not_followed_yet_are_said_to_be(daily: Newsletter, settings: Any) -> None:
    settings.LINK_CHECKS = True
    issue = with_links(daily, "https://example.org/")

    assert list(open_findings(issue)) == ["links_waiting"]


def test_above_a_number_of_links_it_says_so(daily: Newsletter, settings: Any) -> None:
    settings.LINK_CHECKS = True
    urls = [f"https://example.org/{number}" for number in range(linkcheck.checking.MOST + 3)]
    rows = [
        CheckedLink(
            url_hash=linkcheck.checking._hash(url), url=url, outcome="fine", checked_at=timezone.now()
        )
        for url in urls[:-3]
    ]
    CheckedLink.objects.bulk_create(rows)
    issue = with_links(daily, *urls)

    found = open_findings(issue)

    assert list(found) == ["many_links"]
    assert "3 of them" in found["many_links"].text


def test_without_link_checks_nothing_is_waited_for(daily: Newsletter) -> None:
    assert open_findings(with_links(daily, "https://example.org/")) == {}
