"""Leaving by the page: what it shows, what it does, and what is gentler."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from delivery import digests
from delivery.models import Attempt
from newsletter.models import Issue, Newsletter
from subscribers import letters, tokens
from subscribers.models import ConsentEvent, Letter, Subscription
from tests import factories
from tests.delivery.ledgers import ledger
from tests.subscribers.leaving import back_path, events, fresh, path_of, status_of

Status = Subscription.Status
AGENT = "Mozilla/5.0 (a browser)"


@pytest.fixture
def browser() -> Client:
    """Without any cookie, and with the check for them on: the link is the key."""
    return Client(enforce_csrf_checks=True, headers={"User-Agent": AGENT})


def test_page_changes_nothing_until_its_button_is_pressed(daily: Newsletter, browser: Client) -> None:
    ada, *_ = factories.cast(daily)
    path = path_of(ada, mark="1")

    looked = [browser.get(path), browser.head(path), browser.get(path + "/"), browser.options(path)]

    assert [answer.status_code for answer in looked] == [200, 200, 200, 405]
    assert "ada@example.com" not in looked[0].text
    assert "a…@e….com" in looked[0].text
    assert status_of(ada) == Status.ACTIVE
    assert (browser.post(path).status_code, status_of(ada)) == (200, Status.UNSUBSCRIBED)
    assert (browser.post(path).status_code, status_of(ada)) == (200, Status.UNSUBSCRIBED)
    assert events() == [("left", "link")]
    assert not browser.cookies


def test_leaving_keeps_its_evidence(daily: Newsletter, browser: Client) -> None:
    ada, *_ = factories.cast(daily)

    browser.post(path_of(ada, mark="7"), headers={"User-Agent": AGENT}, REMOTE_ADDR="198.51.100.23")

    event = ConsentEvent.objects.get()
    assert (event.kind, event.method, event.network, event.agent) == (
        "left",
        "link",
        "198.51.100.0/24",
        AGENT,
    )
    assert event.details == {"dispatch": "7"}  # no such mail: nothing to count seconds from
    assert event.happened_at == fresh(ada).unsubscribed_at


def test_leaving_by_the_link_of_an_issue_says_how_long_after_its_mail(draft: Issue, browser: Client) -> None:
    dispatch = ledger(draft, accepted=2)
    reader, other = Subscription.objects.order_by("pk")[:2]
    Attempt.objects.update(started_at=timezone.now() - timedelta(seconds=90))

    browser.post(path_of(reader, mark=str(dispatch.pk)))
    browser.post(path_of(other, mark=str(dispatch.pk + 1)), {"List-Unsubscribe": "One-Click"})

    known, unknown = ConsentEvent.objects.order_by("pk")
    assert known.details["dispatch"] == str(dispatch.pk)
    assert known.details["seconds"] in {90, 91}
    assert unknown.details == {"dispatch": str(dispatch.pk + 1)}


def test_only_who_left_by_the_page_is_said_goodbye_to(daily: Newsletter, browser: Client) -> None:
    ada, bob, _ = factories.cast(daily)
    dan = factories.subscription(daily, "dan@example.com")
    gruff = factories.subscription(factories.newsletter("gruff", says_goodbye=False), "eve@example.com")

    for each in (ada, bob, gruff):
        browser.post(path_of(each))
    browser.post(path_of(dan), {"List-Unsubscribe": "One-Click"})

    asked = Letter.objects.filter(kind=Letter.Kind.GOODBYE, due_at__isnull=False)
    assert [letter.subscriber_id for letter in asked] == [ada.subscriber_id]
    assert {status_of(each) for each in (ada, bob, dan, gruff)} == {Status.UNSUBSCRIBED}


def test_page_of_a_pending_reader_forgets_the_wish(daily: Newsletter, browser: Client) -> None:
    _, bob, _ = factories.cast(daily)

    shown = browser.get(path_of(bob))
    browser.post(path_of(bob))

    assert "and not confirmed it yet" in shown.text
    assert 'name="offer"' not in shown.text
    assert status_of(bob) == Status.UNSUBSCRIBED


def test_page_of_a_paused_reader_says_until_when(daily: Newsletter, browser: Client) -> None:
    until = timezone.now() + timedelta(days=20)
    ada = factories.subscription(daily, "ada@example.com", status="paused", paused_until=until)

    shown = browser.get(path_of(ada)).text

    assert "At the moment it rests, until" in shown
    assert [word for word in ("two_weeks", "month", "weekly") if f'value="{word}"' in shown] == ["month"]


def test_pause_can_be_ended_beside_the_way_out_and_is_not_offered_again(
    daily: Newsletter, browser: Client
) -> None:
    until = timezone.now() + timedelta(days=30)
    ada = factories.subscription(daily, "ada@example.com", status="paused", paused_until=until)

    shown = browser.get(path_of(ada)).text
    ended = [browser.post(path_of(ada, verb="rest"), {"offer": "go_on"}).text for _ in range(2)]

    assert [word for word in ("go_on", "two_weeks", "month") if f'value="{word}"' in shown] == ["go_on"]
    assert ["The next issue comes to you." in page for page in ended] == [True, True]
    assert (status_of(ada), fresh(ada).paused_until, events()) == (
        Status.ACTIVE,
        None,
        [("resumed", "link")],
    )


def test_whoever_changes_to_the_digest_is_told_when_it_comes_and_of_what(browser: Client, db: None) -> None:
    """It is one text for all: nobody's own days are left out of it."""
    weekly = factories.newsletter(digest_day=6)
    ada = factories.subscription(weekly, "ada@example.com")
    bob = factories.subscription(weekly, "bob@example.com", status="paused", frequency="weekly")
    words = f"The next one comes on {digests.next_day(weekly)}. It tells of the whole week:"

    changed = browser.post(path_of(ada, verb="rest"), {"offer": "weekly"}).text
    Newsletter.objects.update(digest_day=None)
    without = browser.post(path_of(bob, verb="rest"), {"offer": "go_on"}).text

    assert (words in changed, "Once a week it is" in without) == (True, True)
    assert "The next one comes on" not in without


def test_second_leaving_within_the_hour_can_be_undone_and_says_when_its_mail_comes(
    daily: Newsletter, browser: Client
) -> None:
    Newsletter.objects.update(time_zone="America/New_York")
    ada, *_ = factories.cast(daily)
    pages = []
    for _ in range(2):
        pages.append(browser.post(path_of(ada)).text)
        for letter in Letter.objects.filter(due_at__isnull=False):
            letters.send_due(letter.pk, now=timezone.now())
        browser.post(back_path(ada))
    waiting = Letter.objects.get(due_at__isnull=False)

    assert ["/s/back/" in page for page in pages] == [True, True]
    assert "A mail with the way back goes to <bdi>a…@e….com</bdi>, too." in pages[0]
    there = waiting.due_at.astimezone(ZoneInfo("America/New_York"))
    assert f"it waits until {date_format(there, 'DATETIME_FORMAT')} (<bdi>New York</bdi>)." in pages[1]
    assert [status_of(ada), *events()[1::2]] == [Status.ACTIVE, *[("came_back", "link")] * 2]


def test_page_promises_no_mail_where_none_comes(browser: Client, db: None) -> None:
    ada = factories.subscription(factories.newsletter(says_goodbye=False), "ada@example.com")
    bob = factories.subscription(factories.newsletter("weekly"), "bob@example.com", status="pending")

    pages = [browser.post(path_of(each)).text for each in (ada, bob)]

    assert ["A mail with the way back" in page for page in pages] == [False, False]
    assert ["/s/back/" in page for page in pages] == [True, True]


def test_page_of_whom_we_do_not_hold_any_more_is_calm(daily: Newsletter, browser: Client) -> None:
    ada, *_ = factories.cast(daily)
    path = path_of(ada)
    ada.subscriber.delete()

    answers = [browser.get(path), browser.post(path), browser.post(path, {"List-Unsubscribe": "One-Click"})]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert ["You are not on our list" in answer.text for answer in answers] == [True, True, False]


def test_link_of_a_test_mail_leads_to_a_page_that_says_so(daily: Newsletter, browser: Client) -> None:
    path = f"/s/unsubscribe/{tokens.unsubscribe_token(tokens.NOBODY, mark='0')}"
    others = [path.replace("unsubscribe", verb) + "/" for verb in ("rest", "link")]

    answers = [browser.get(path), browser.post(path)]

    assert ["This was a test mail" in answer.text for answer in answers] == [True, True]
    assert [browser.post(other).status_code for other in others] == [404, 404]


def test_altered_links_are_neutral_pages_and_change_nothing(daily: Newsletter, browser: Client) -> None:
    ada, *_ = factories.cast(daily)
    leave, cleo = tokens.unsubscribe_token(ada.pk), Subscription.objects.get(status="unsubscribed")
    back = tokens.back_token(cleo)
    tried = {
        "unsubscribe": [leave[:-2], "1" + leave, back, "x", "%00"],
        "rest": [leave[:-2], "1" + leave, back, "x"],
        "link": [leave[:-2], "1" + leave, back, "x"],
        "back": [back[:-2], "1" + back, leave, "x"],
        "why": [back[:-2], "1" + back, leave, "x"],
    }

    answers = [
        browser.post(f"/s/{verb}/{token}/", {"offer": "month", "reason": "often"})
        for verb, wrong in tried.items()
        for token in wrong
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert not any("example.com" in answer.text for answer in answers)
    assert (status_of(ada), status_of(cleo), events()) == (Status.ACTIVE, Status.UNSUBSCRIBED, [])
    assert not Letter.objects.exists()


# --- Something gentler -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "kind", "words"),
    [
        ("two_weeks", "paused", "A good rest to you"),
        ("month", "paused", "A good rest to you"),
        ("weekly", "frequency", "Once a week it is"),
        ("weekdays", "frequency", "Free weekends it is"),
    ],
)
def test_gentler_offer_is_one_press(browser: Client, db: None, offer: str, kind: str, words: str) -> None:
    weekly = factories.newsletter(digest_day=0, offers_weekdays=True)
    ada = factories.subscription(weekly, "ada@example.com")

    answer = browser.post(path_of(ada, verb="rest"), {"offer": offer})

    assert (answer.status_code, words in answer.text) == (200, True)
    assert events() == [(kind, "link")]
    assert status_of(ada) == (Status.PAUSED if kind == "paused" else Status.ACTIVE)


@pytest.mark.parametrize("offer", ["weekly", "weekdays", "", "every", "\0"])
def test_offer_that_is_not_made_changes_nothing(daily: Newsletter, browser: Client, offer: str) -> None:
    ada, *_ = factories.cast(daily)

    answer = browser.post(path_of(ada, verb="rest"), {"offer": offer})

    assert (answer.status_code, status_of(ada), events()) == (200, Status.ACTIVE, [])


@pytest.mark.parametrize("offer", ["two_weeks", "month", "weekly", "weekdays"])
def test_offer_brings_nobody_back_and_ends_no_pause(browser: Client, db: None, offer: str) -> None:
    weekly = factories.newsletter(digest_day=0, offers_weekdays=True)
    _, bob, cleo = factories.cast(weekly)
    until = timezone.now() + timedelta(days=90)
    dan = factories.subscription(weekly, "dan@example.com", status="paused", paused_until=until)

    for each in (bob, cleo, dan):
        assert browser.post(path_of(each, verb="rest"), {"offer": offer}).status_code == 200
    for each in (bob, cleo):
        assert browser.post(path_of(each, verb="rest"), {"offer": "go_on"}).status_code == 200

    assert [status_of(each) for each in (bob, cleo, dan)] == ["pending", "unsubscribed", "paused"]
    assert (fresh(dan).paused_until, events()) == (until, [])


def test_link_to_everything_else_goes_to_the_address_we_have(daily: Newsletter, browser: Client) -> None:
    ada, *_ = factories.cast(daily)
    path = path_of(ada, verb="link")

    looked, answers = browser.get(path), [browser.post(path) for _ in range(3)]

    assert (looked.status_code, looked.headers["Location"]) == (302, path_of(ada))
    assert {(answer.status_code, "a…@e….com" in answer.text) for answer in answers} == {(200, True)}
    assert "/s/manage/" not in answers[0].text
    (letter,) = Letter.objects.all()
    assert (letter.kind, letter.subscriber_id) == (Letter.Kind.MANAGE, ada.subscriber_id)
