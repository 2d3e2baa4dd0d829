from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from delivery import digests, links, loading, preflight, preparation, progress, tasks
from delivery.gateway import slots
from delivery.messages import Recipient
from delivery.models import Alarm, Digest, Dispatch
from delivery.templatetags.delivery_tags import ahead
from desk import home, previewing
from desk.previewing import Face
from newsletter import revisions
from newsletter.digest import MOST, shortened
from newsletter.models import Issue, Newsletter
from subscribers import tokens
from subscribers.models import Subscription
from tests import factories
from tests.delivery.digesting import look, out, sent, weekly_of
from tests.delivery.people import editor


@pytest.fixture
def weekly(daily: Newsletter) -> Newsletter:
    return weekly_of(daily)


def test_digest_tells_of_the_week_the_newest_first(weekly: Newsletter) -> None:
    out(weekly, "older", days=5)
    out(weekly, "newest", days=1, subject="Tom & Jerry <go> home")
    out(weekly, "long-ago", days=9)
    factories.issue(weekly, "draft")

    issue = look()

    assert issue
    assert issue.subject == "The week in The Daily: Tom & Jerry <go> home"
    assert (issue.preheader, issue.status, issue.visibility) == ("About older", "scheduled", "unlisted")
    assert '<p class="lead">2 issues came out this week.</p>' in issue.body
    first, second = (
        issue.body.index('<a href="/daily/newest/">'),
        issue.body.index('<a href="/daily/older/">'),
    )
    assert first < second
    assert "Tom &amp; Jerry &lt;go&gt; home" in issue.body
    assert ("long-ago" in issue.body, "/draft/" in issue.body) == (False, False)


def test_digest_goes_through_the_ledger_to_its_own_readers(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)

    dispatch = sent()

    rows = dispatch.deliveries.values_list("subscription__subscriber__email", "state")
    assert list(rows) == [("digest@example.com", "accepted")]
    assert (dispatch.state, dispatch.readers, progress.balance(dispatch).adds_up) == ("sent", 1, True)
    assert "http" in dispatch.text
    assert "/daily/tides/" in dispatch.html
    assert dispatch.issue.get_absolute_url() in dispatch.html  # "Read on the web"


def test_digest_that_nobody_wants_is_not_written(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    Subscription.objects.update(frequency="every")

    assert look() is None
    assert Digest.objects.exclude(settled_at=None).count() == 1


def test_digest_needs_no_second_person(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    weekly.needs_second_person = True
    weekly.save()

    assert sent().state == "sent"


@pytest.mark.parametrize("is_gone", [False, True])
def test_digest_that_somebody_edited_needs_an_approval_like_any_issue(
    weekly: Newsletter, *, is_gone: bool
) -> None:
    out(weekly, "tides", days=2)
    weekly.needs_second_person = True
    weekly.save()
    issue = look()
    assert issue
    ada = User.objects.create_superuser("ada")
    revisions.save(issue, by=ada, changes={"subject": "My own words"})
    factories.scheduled(issue, at=timezone.now())
    if is_gone:
        ada.delete()

    tasks.start_due()

    assert (Dispatch.objects.count(), Alarm.objects.get().kind) == (0, "refused")


def test_words_that_somebody_kept_aside_leave_a_digest_as_it_is(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    weekly.needs_second_person = True
    weekly.save()
    issue = look()
    assert issue
    revisions.keep(issue, by=User.objects.create_superuser("ada"), changes={"subject": "My own words"})

    assert sent().state == "sent"


def test_readers_only_issue_opens_by_a_link_of_each_readers_own(weekly: Newsletter) -> None:
    members = out(weekly, "members", days=2, visibility="readers", status="draft", published_at=None)
    first = preparation.start(members)
    Issue.objects.filter(pk=members.pk).update(published_at=timezone.now() - timedelta(days=2))
    preparation.prepare(first.pk)
    out(weekly, "without-mail", days=1, visibility="readers")

    dispatch = sent()

    work = loading.load(dispatch.pk)
    values = {name: make(7) for name, make in work.links.items()}
    html, text = work.mail.html.fill(values), work.mail.text.fill(values)
    link = values[f"web_url_{first.pk}"]
    assert (link in html, link in text, "/daily/members/" in html) == (True, True, False)
    assert "without-mail" not in dispatch.html
    page = Client().get(link.removeprefix("http://testserver"))
    assert "high at nine" in page.text
    assert dispatch.issue.visibility == "readers"
    own_page = Client().get(values["web_url"].removeprefix("http://testserver")).text
    assert (link in own_page, "/daily/members/" in Client().get(dispatch.issue.get_absolute_url()).text) == (
        True,
        False,
    )


def test_digest_stands_in_no_list(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    issue = sent().issue
    Issue.objects.filter(pk=issue.pk).update(visibility="public")

    archive, feed = Client().get("/daily/").text, Client().get("/daily/feed/").text
    neighbour = Client().get("/daily/tides/").text
    desk = editor().get("/admin/newsletter/issue/").text
    page = Client().get(issue.get_absolute_url())

    assert not any("The week in" in each for each in (archive, feed, neighbour, desk))
    assert (page.status_code, "About tides" in page.text) == (200, True)


def test_desk_announces_it_and_says_what_it_is(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    sent()
    digests.look(now=timezone.now())
    browser = editor()
    user = User.objects.get()

    found, page = home.home(user), browser.get("/admin/").text

    assert [(each.newsletter, each.at > timezone.now()) for each in found.digests] == [(weekly, True)]
    assert "1 reader" in page
    assert "Weekly digest" in page
    assert found.drafts == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-60, "now"),
        (0, "now"),
        (30, "in a moment"),
        (61, "in 1\u00a0minute"),
        (90_000, "in 1\u00a0day, 1\u00a0hour"),
    ],
)
def test_time_ahead_is_never_nought(seconds: int, said: str) -> None:
    now = timezone.now()

    assert ahead(now + timedelta(seconds=seconds), now) == said


def test_subject_ends_at_a_word() -> None:
    words = "sea " * 60

    assert shortened(words) == f"{('sea ' * 49).rstrip()}…"
    assert len(shortened("x" * 300)) == 200
    assert shortened("sea") == "sea"


@pytest.mark.parametrize("visibility", ["unlisted", "readers"])
def test_digest_shows_a_stranger_nothing_of_an_issue_that_not_everybody_may_find(
    weekly: Newsletter, visibility: str
) -> None:
    hidden = out(weekly, "hidden", days=1)
    preparation.frozen(hidden, started_by=None)  # so that its readers have a link
    Issue.objects.filter(pk=hidden.pk).update(visibility=visibility)
    out(weekly, "tides", days=2)

    issue = sent().issue

    assert (issue.visibility, "About hidden" in issue.subject) == ("readers", True)
    assert "/daily/hidden/" not in Client().get(issue.get_absolute_url()).text
    guessed = Client().get(f"/daily/week-{Digest.objects.get(issue=issue).at:%Y-%m-%d}/")
    assert guessed.status_code == 404


def test_long_digest_ends_with_the_way_to_the_archive(weekly: Newsletter) -> None:
    for number in range(MOST + 2):
        out(weekly, f"issue-{number:02}", days=1 + number / 100)

    issue = look()

    assert issue
    assert f"{MOST + 2} issues came out this week." in issue.body
    assert issue.body.count("<h2>") == MOST
    assert (f"/daily/issue-{MOST - 1}/" in issue.body, f"/daily/issue-{MOST}/" in issue.body) == (True, False)
    assert issue.body.endswith('<p><a href="/daily/">More issues</a></p>')


def test_digest_of_a_few_does_not_lead_to_more(weekly: Newsletter) -> None:
    for number in range(MOST):
        out(weekly, f"issue-{number:02}", days=1 + number / 100)

    issue = look()

    assert issue
    assert (issue.body.count("<h2>"), "More issues" in issue.body) == (MOST, False)


def test_rest_of_a_digest_goes_to_its_readers_whatever_they_chose_since(weekly: Newsletter) -> None:
    out(weekly, "tides", days=2)
    dispatch = sent()
    Subscription.objects.update(frequency="every")

    assert [each.code for each in preflight.report(dispatch.issue).blockers] == []


@pytest.mark.parametrize("face", [Face.MAIL, Face.TEXT])
def test_preview_leads_to_no_readers_page_by_a_link_that_is_closed(weekly: Newsletter, face: Face) -> None:
    members = out(weekly, "members", days=2, visibility="readers")
    mail = preparation.frozen(members, started_by=None)
    issue = look()
    assert issue

    shown = previewing.document(issue, face=face, now=timezone.now())

    assert "/daily/members/" not in shown
    assert links.web_urls(mail.pk)(tokens.NOBODY) in shown


def test_link_to_a_readers_page_stays_whole_whatever_the_sites_name_is() -> None:
    link = "https://my-courant-site.example/s/read/7-x/"

    [recipient] = slots.safe([Recipient(1, "ada@example.com", {"web_url_7": link, "a_text": "-courant-"})])

    assert recipient.values == {"web_url_7": link, "a_text": f"-{slots.JOINER}courant-"}
