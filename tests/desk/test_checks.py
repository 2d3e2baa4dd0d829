from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from delivery import preflight
from delivery.models import Acceptance
from newsletter import linkcheck, revisions, tasks
from newsletter.models import CheckedLink, Issue, Member, Newsletter, Revision
from tests import factories
from tests.delivery.people import helper

LINK = '<p>Tides: <a href="https://example.org/tides">this year\'s tables</a>.</p>'


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


def browser(role: str, newsletter: Newsletter, **options: Any) -> Client:
    user = User.objects.create_user(role, first_name=role.title(), is_staff=True, password="courant")
    Member.objects.create(newsletter=newsletter, user=user, role=role)
    found = Client(**options)
    found.force_login(user)
    return found


@pytest.fixture
def writer(daily: Newsletter) -> Client:
    return browser("writer", daily)


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """What is put into the queue, which no worker reads here."""
    asked: list[tuple[int, bool]] = []

    def take(given: tuple[int, bool], **options: Any) -> None:
        asked.append(given)

    monkeypatch.setattr(tasks.check_links, "apply_async", take)
    return asked


def path(issue: Issue, rest: str = "") -> str:
    return f"/admin/desk/issues/{issue.pk}/check/{rest}"


def found_before(url: str, outcome: str, *, ago: timedelta = timedelta(hours=1)) -> None:
    CheckedLink.objects.create(
        url_hash=linkcheck.checking._hash(url),
        url=url,
        outcome=outcome,
        detail="404" if outcome == "broken" else "",
        checked_at=timezone.now() - ago,
    )


def test_page_leads_to_what_is_to_be_mended(daily: Newsletter, writer: Client) -> None:
    issue = factories.issue(daily, preheader="", body="<p>TK</p>")
    Newsletter.objects.update(sender_email="no-reply@daily.example")

    page = writer.get(path(issue)).text

    assert "2 things in the way · 3 to look at" in page
    assert f'href="/admin/newsletter/issue/{issue.pk}/change/#id_body"' in page
    assert f'href="/admin/newsletter/issue/{issue.pk}/change/#id_preheader"' in page
    assert "Ask a publisher" in page
    assert "“TK”" in page


def test_publisher_is_led_to_the_newsletters_settings(daily: Newsletter) -> None:
    Newsletter.objects.update(sender_email="no-reply@daily.example")

    page = browser("publisher", daily).get(path(factories.issue(daily))).text

    assert f'href="/admin/newsletter/newsletter/{daily.pk}/change/#id_reply_to"' in page


def test_accepting_is_shown_with_the_name_and_can_be_taken_back(draft: Issue, writer: Client) -> None:
    found = next(each for each in preflight.report(draft).open if each.code == "no_test_mail")
    given = {"code": found.code, "mark": found.mark}

    answer = writer.post(path(draft, "accept/"), given)
    accepted = writer.get(path(draft)).text
    writer.post(path(draft, "accept/"), {**given, "back": "1"})

    assert answer["Location"] == f"{path(draft)}#{found.anchor}"
    assert "Accepted by Writer, " in accepted
    assert not Acceptance.objects.exists()
    assert "Accepted by" not in writer.get(path(draft)).text


def test_what_is_not_found_any_more_cannot_be_accepted(draft: Issue, writer: Client) -> None:
    answer = writer.post(path(draft, "accept/"), {"code": "no_preheader", "mark": "0" * 64}, follow=True)

    assert "Look at it once more" in answer.text
    assert not Acceptance.objects.exists()


def test_time_of_sending_stays_with_the_page(daily: Newsletter, writer: Client) -> None:
    issue = factories.issue(daily, subject="Your Monday tides")
    at = "2026-11-24T06:30:00+00:00"
    found = next(each for each in preflight.report(issue, _tuesday()).open if each.code == "other_day")

    page = writer.get(path(issue), {"at": at}).text
    answer = writer.post(path(issue, "accept/"), {"code": found.code, "mark": found.mark, "at": at})

    assert "Tuesday, 24 November 2026" in page
    assert f'<input type="hidden" name="at" value="{at}">' in page
    assert answer["Location"] == f"{path(issue)}?at=2026-11-24T06%3A30%3A00%2B00%3A00#{found.anchor}"
    assert Acceptance.objects.get().code == "other_day"


def _tuesday() -> Any:
    return timezone.datetime(2026, 11, 24, 6, 30, tzinfo=timezone.get_default_timezone())


@pytest.mark.parametrize(
    "at", ["", "tomorrow", "2026-13-45T00:00:00Z", "2026-11-24T06:30:00", "9999-12-31T23:59:00+00:00"]
)
def test_time_that_is_none_is_left_out(draft: Issue, writer: Client, at: str) -> None:
    assert writer.get(path(draft), {"at": at}).status_code == 200


def test_looking_changes_nothing_and_acting_asks_for_a_post(
    draft: Issue, writer: Client, woken: list[Any], settings: Any
) -> None:
    settings.LINK_CHECKS = True
    Issue.objects.update(body=LINK)

    looked = [writer.get(path(draft, rest)).status_code for rest in ("", "panel/", "findings/", "links/")]
    acted = [writer.get(path(draft, rest)).status_code for rest in ("accept/", "follow/")]

    assert (looked, acted) == ([200] * 4, [405] * 2)
    assert (woken, CheckedLink.objects.count(), Acceptance.objects.count()) == ([], 0, 0)


def test_nobody_of_another_newsletter_sees_or_accepts_anything(draft: Issue) -> None:
    stranger = browser("publisher", factories.newsletter("weekly"))

    looked = [stranger.get(path(draft, rest)).status_code for rest in ("", "panel/", "findings/", "links/")]
    acted = [stranger.post(path(draft, rest)).status_code for rest in ("accept/", "follow/")]

    assert (looked, acted) == ([403] * 4, [403] * 2)


def test_line_for_the_form_says_how_it_stands(draft: Issue, writer: Client) -> None:
    in_the_way = writer.get(path(draft, "panel/")).text
    factories.readers(draft.newsletter, 2)
    to_look_at = writer.get(path(draft, "panel/")).text
    found = preflight.report(draft).open[0]
    writer.post(path(draft, "accept/"), {"code": found.code, "mark": found.mark})
    ready = writer.get(path(draft, "panel/")).text

    assert "1 thing in the way · 1 to look at" in in_the_way
    assert "1 thing to look at" in to_look_at
    assert "Checked, and ready" in ready


def test_links_are_followed_when_the_page_is_opened(
    draft: Issue, writer: Client, woken: list[Any], settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.LINK_CHECKS = True
    Issue.objects.update(body=LINK)
    page = writer.get(path(draft)).text

    with django_capture_on_commit_callbacks(execute=True):
        waiting = writer.post(path(draft, "follow/"), headers={"HX-Request": "true"})
        writer.post(path(draft, "follow/"), headers={"HX-Request": "true"})
    still = writer.get(path(draft, "links/?looks=1"))
    found_before("https://example.org/tides", "fine")
    done = writer.get(path(draft, "links/?looks=2"))

    assert 'hx-trigger="load"' in page
    assert woken == [(draft.pk, False)]
    assert "Following the links: 0 of 1 so far." in waiting.text
    assert ("HX-Trigger" in still.headers, done.headers["HX-Trigger"]) == (False, "links-followed")
    assert "looks=2" in still.text
    assert "was looked at: it answered." in " ".join(done.text.split())


def test_links_that_gave_no_answer_are_counted(draft: Issue, writer: Client, settings: Any) -> None:
    settings.LINK_CHECKS = True
    urls = [f"https://example.org/{name}" for name in ("there", "gone", "silent")]
    Issue.objects.update(body="".join(f'<p><a href="{url}">it</a></p>' for url in urls))
    for url, outcome, detail in zip(urls, ("fine", "broken", "silent"), ("200", "404", "slow"), strict=True):
        found_before(url, outcome)
        CheckedLink.objects.filter(url=url).update(detail=detail)

    some = writer.get(path(draft, "links/")).text
    CheckedLink.objects.update(outcome="silent", detail="lookup")
    none = writer.get(path(draft, "links/")).text

    assert "All 3 links to other sites were looked at: 2 of them answered." in some
    assert "All 3 links to other sites were looked at: none of them answered." in none


def test_check_again_waits_for_what_was_wanting(
    draft: Issue, writer: Client, woken: list[Any], settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.LINK_CHECKS = True
    Issue.objects.update(body=LINK)
    found_before("https://example.org/tides", "broken")

    with django_capture_on_commit_callbacks(execute=True):
        asked = writer.post(path(draft, "follow/"), {"again": "1"}, headers={"HX-Request": "true"})
        plain = writer.post(path(draft, "follow/"), {"again": "1"})

    assert woken == [(draft.pk, True)]  # the second press waits for what the first one asked for
    assert "0 of 1 so far" in asked.text
    assert plain.status_code == 302
    assert "0 of 1 so far" in writer.get(plain["Location"]).text


def test_who_only_looks_on_has_no_link_followed_again(
    draft: Issue, woken: list[Any], settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.LINK_CHECKS = True
    Issue.objects.update(body=LINK)
    found_before("https://example.org/tides", "broken")
    onlooker = helper("view_issue")

    with django_capture_on_commit_callbacks(execute=True):
        refused = onlooker.post(path(draft, "follow/"), {"again": "1"})
        plain = onlooker.post(path(draft, "follow/"), headers={"HX-Request": "true"})

    assert (refused.status_code, plain.status_code) == (403, 200)
    assert woken == [(draft.pk, False)]
    assert "Check again" not in plain.text


def test_what_no_column_takes_is_not_asked_for(draft: Issue, writer: Client) -> None:
    answer = writer.post(path(draft, "accept/"), {"code": "no\0preheader", "mark": "\0" * 64})
    back = writer.post(path(draft, "accept/"), {"code": "no\0preheader", "mark": "\0", "back": "1"})

    assert (answer.status_code, back.status_code) == (302, 302)


def test_page_does_not_ask_for_ever(draft: Issue, writer: Client, settings: Any) -> None:
    settings.LINK_CHECKS = True
    Issue.objects.update(body=LINK)

    answer = writer.get(path(draft, "links/?looks=40")).text

    assert "is a worker running?" in answer
    assert "hx-get" not in answer


def test_changed_content_has_its_links_followed(
    draft: Issue, writer: Client, woken: list[Any], settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.LINK_CHECKS = True
    ada = User.objects.get()

    with django_capture_on_commit_callbacks(execute=True):
        revisions.save(draft, by=ada, kind=Revision.Kind.SAVED, changes={"body": LINK})
        revisions.save(draft, by=ada, kind=Revision.Kind.AUTOSAVED, changes={"body": LINK + LINK})

    assert woken == [(draft.pk, False)]


def test_task_follows_the_links(
    draft: Issue, woken: list[Any], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LINK_CHECKS = True
    Issue.objects.update(body=LINK)
    Newsletter.objects.update(sender_email="")  # nobody asks the DNS here
    of_the_system = socket.getaddrinfo

    def unknown(host: str, *args: Any, **options: Any) -> Any:
        if host == "example.org":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        if host == "example.com":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.2", 0))]
        return of_the_system(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    tasks.check_links(draft.pk)
    tasks.check_links(draft.pk + 999)

    rows = CheckedLink.objects.values_list("url", "outcome", "detail")
    assert [*rows] == [("https://example.org/tides", "broken", "host")]
    assert woken == []
