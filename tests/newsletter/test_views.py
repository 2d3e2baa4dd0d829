from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.test.client import FakePayload
from django.utils import timezone
from lxml import html

from newsletter import publishing
from newsletter.models import Issue, Newsletter, Picture
from tests import factories


@pytest.fixture
def archive(daily: Newsletter) -> list[Issue]:
    """Three issues of the last three days, newest first."""
    issues = [factories.issue(daily, f"day-{number}", subject=f"Day {number}") for number in range(3)]
    for number, issue in enumerate(issues):
        publishing.publish(issue, at=timezone.now() - timedelta(days=number))
    return issues


def test_archive_shows_what_went_out_and_no_draft(archive: list[Issue], client: Client) -> None:
    factories.issue(archive[0].newsletter, "draft", subject="Not yet")

    page = client.get("/daily/").text

    assert [page.index(f"Day {number}") for number in range(3)] == sorted(
        page.index(f"Day {n}") for n in range(3)
    )
    assert "Not yet" not in page
    assert client.get("/daily/draft/").status_code == 404


@pytest.mark.parametrize("path", ["/", "/daily/", "/daily/day-1/", "/daily/feed/", "/daily/look.css"])
def test_public_pages_set_no_cookie_and_do_not_depend_on_one(
    archive: list[Issue], client: Client, path: str
) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.cookies.output(), "Cookie" in answer.get("Vary", "")) == (
        200,
        "",
        False,
    )


@pytest.mark.parametrize("path", ["/", "/daily/", "/daily/day-1/", "/daily/feed/"])
def test_public_pages_may_be_kept_by_a_cdn(archive: list[Issue], client: Client, path: str) -> None:
    assert set(client.get(path)["Cache-Control"].split(", ")) == {"public", "max-age=60"}


def test_issue_page_links_its_neighbours_and_holds_no_readers_link(
    archive: list[Issue], client: Client
) -> None:
    page = client.get("/daily/day-1/").text

    assert "/daily/day-0/" in page
    assert "/daily/day-2/" in page
    assert "/s/" not in page


@pytest.mark.parametrize("path", ["/daily/", "/daily/day-1/"])
def test_page_and_issue_have_the_same_subscribe_box(archive: list[Issue], client: Client, path: str) -> None:
    Issue.objects.update(
        body='<div data-block="subscribe" data-strapline="Have The Daily sent to you."></div>'
    )
    mark = '<section class="subscribe-box"'

    boxes = [part.partition("</section>")[0] for part in client.get(path).text.split(mark)[1:]]

    assert {box.replace("http://testserver/", "/") for box in boxes} == {boxes[-1]}
    assert 'action="/daily/subscribe/"' in boxes[-1]
    assert len(boxes) == (2 if path == "/daily/day-1/" else 1)


def test_feed_has_the_whole_text(archive: list[Issue], client: Client) -> None:
    feed = client.get("/daily/feed/").text

    assert feed.count("<item>") == 3
    assert "high at nine" in feed
    assert "http://testserver/daily/day-0/" in feed


@pytest.mark.parametrize(
    ("readers", "claimed"),
    [(0, ""), (99, ""), (100, "100+"), (213, "200+"), (9_876, "9,800+"), (98_765, "98,000+"), (114_032, "114,000+"),
     (10_234_567, "10,200,000+")],
)  # fmt: skip
def test_claim_is_honest_rounded_down_and_has_a_floor(
    daily: Newsletter, client: Client, readers: int, claimed: str
) -> None:
    Newsletter.objects.update(active_readers=readers)

    page = client.get("/daily/").text

    assert (f"{claimed} readers" in page) if claimed else ("Trusted by" not in page)


def test_claim_can_be_switched_off(daily: Newsletter, client: Client) -> None:
    Newsletter.objects.update(active_readers=114_032, shows_reader_count=False)

    assert "Trusted by" not in client.get("/daily/").text


@pytest.mark.parametrize("count", [1, 3])
def test_archive_costs_the_same_however_many_issues(
    daily: Newsletter, client: Client, count: int, django_assert_num_queries
) -> None:
    for number in range(count):
        publishing.publish(factories.issue(daily, f"day-{number}"))

    with django_assert_num_queries(4):  # newsletter, number of issues, a page of issues, usual times
        client.get("/daily/")


def test_unlisted_issue_has_a_page_that_nothing_leads_to(archive: list[Issue], client: Client) -> None:
    Issue.objects.filter(slug="day-1").update(visibility=Issue.Visibility.UNLISTED)

    page = client.get("/daily/day-1/")

    assert (page.status_code, page["X-Robots-Tag"], "high at nine" in page.text) == (200, "noindex", True)
    assert '<meta name="robots" content="noindex">' in page.text
    assert "canonical" not in page.text
    for path in ("/daily/", "/daily/feed/", "/daily/day-0/", "/daily/day-2/"):
        assert "day-1" not in client.get(path).text


def test_issue_for_readers_is_in_no_list_either(archive: list[Issue], client: Client) -> None:
    Issue.objects.filter(slug="day-1").update(visibility=Issue.Visibility.READERS)

    assert "high at nine" not in client.get("/daily/day-1/").text
    for path in ("/daily/", "/daily/feed/", "/daily/day-0/", "/daily/day-2/"):
        assert "day-1" not in client.get(path).text


def test_public_issue_may_be_found(archive: list[Issue], client: Client) -> None:
    page = client.get("/daily/day-1/")

    assert ("noindex" in page.text, page.headers.get("X-Robots-Tag")) == (False, None)


def test_cover_and_tags_stand_on_the_page_and_in_what_is_shared(archive: list[Issue], client: Client) -> None:
    cover = Picture.objects.create(digest="ab" * 16, format="jpg", width=1200, height=630, data=b"x")
    Issue.objects.filter(slug="day-1").update(cover=cover, cover_alt='A "pier"', tags="sea, <b>weather</b>")
    url = f"http://testserver/media/{'ab' * 16}.jpg"

    page = html.fromstring(client.get("/daily/day-1/").text)

    assert page.xpath("//img[@class='issue-cover']/@*[name()='src' or name()='alt' or name()='width']") == [
        url,
        'A "pier"',
        "1200",
    ]
    assert page.xpath("//meta[starts-with(@property, 'og:image')]/@content") == [
        url,
        "1200",
        "630",
        'A "pier"',
    ]
    assert page.xpath("//ul[@class='issue-tags']/li/text()") == ["sea", "<b>weather</b>"]


@pytest.mark.parametrize("path", ["/", "/daily/", "/daily/one/", "/daily/look.css", "/daily/feed/"])
def test_what_is_posted_at_a_public_page_is_refused_unread(daily: Newsletter, path: str) -> None:
    """A look for its CSRF token would read all of it."""
    body = FakePayload(b"x" * 100)
    environ = {"CONTENT_TYPE": "multipart/form-data; boundary=b", "CONTENT_LENGTH": "100", "wsgi.input": body}
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32

    answer = client.post(path, **environ)

    assert answer.status_code == 405
    assert len(body) == 100
