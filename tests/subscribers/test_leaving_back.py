"""Second thoughts: taking a leaving back, coming back with less, and saying why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import lifecycle, tokens
from subscribers.models import ConsentEvent, Subscription, Suppression
from tests import factories
from tests.subscribers.leaving import back_path, events, fresh, path_of, status_of

Status = Subscription.Status


@pytest.fixture
def browser() -> Client:
    """Without any cookie, and with the check for them on: the link is the key."""
    return Client(enforce_csrf_checks=True)


def test_undo_restores_what_they_were_in_however_many_tabs(daily: Newsletter, browser: Client) -> None:
    until = timezone.now() + timedelta(days=3)
    ada = factories.subscription(daily, "ada@example.com", frequency="weekly")
    dan = factories.subscription(daily, "dan@example.com", status="paused", paused_until=until)
    before = [fresh(each) for each in (ada, dan)]

    for each in (ada, dan):
        assert "/s/back/" in browser.post(path_of(each)).text
        path = back_path(each)
        assert [browser.get(path).status_code, status_of(each)] == [200, Status.UNSUBSCRIBED]
        assert [browser.post(path).status_code for _ in range(2)] == [200, 200]

    names = ("status", "frequency", "paused_until", "unsubscribed_at", "left_as", "generation")
    after = [fresh(each) for each in (ada, dan)]
    assert [[getattr(each, name) for name in names] for each in after] == [
        [getattr(each, name) for name in names] for each in before
    ]
    assert events() == [("left", "link"), ("came_back", "link")] * 2


def test_undo_does_not_reach_a_later_leaving(daily: Newsletter, browser: Client) -> None:
    ada, *_ = factories.cast(daily)
    browser.post(path_of(ada))
    first = back_path(ada)
    browser.post(first)
    browser.post(path_of(ada))

    answer = browser.post(first)

    assert (answer.status_code, status_of(ada)) == (410, Status.UNSUBSCRIBED)
    assert "/daily/subscribe/" in answer.text


def test_undo_on_the_page_is_over_after_a_day_and_by_mail_after_thirty(
    daily: Newsletter, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, *_ = factories.cast(daily)
    browser.post(path_of(ada))
    on_page = back_path(ada)
    by_mail = f"/s/back/{tokens.back_token(fresh(ada), life=tokens.BACK_BY_MAIL)}/"
    later = (timezone.now() + tokens.BACK_ON_PAGE + timedelta(minutes=1)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)

    assert [browser.get(on_page).status_code, browser.post(on_page).status_code] == [410, 410]
    assert status_of(ada) == Status.UNSUBSCRIBED
    assert (browser.post(by_mail).status_code, status_of(ada)) == (200, Status.ACTIVE)


def test_undo_is_offered_only_in_answer_to_the_press(daily: Newsletter, browser: Client) -> None:
    """Whoever opens the link later may be somebody else."""
    ada, *_ = factories.cast(daily)
    path = path_of(ada)

    double_click = [browser.post(path).text, browser.post(path).text]
    opened = browser.get(path).text
    long_ago = timezone.now() - timedelta(minutes=6)
    Subscription.objects.filter(pk=ada.pk).update(unsubscribed_at=long_ago)
    pressed_later = browser.post(path).text

    assert ["Done. You are unsubscribed." in page for page in double_click] == [True, True]
    pages = [*double_click, opened, pressed_later]
    assert ["/s/back/" in page for page in pages] == [True, True, False, False]
    assert ["You had already left" in page for page in pages] == [False, False, True, True]


@pytest.mark.parametrize("how", ["one click", "by the page, elsewhere"])
def test_undo_is_not_for_whoever_comes_with_the_link_after_them(
    daily: Newsletter, browser: Client, how: str
) -> None:
    """They left a minute ago; somebody to whom the mail was forwarded presses the button, too."""
    ada, *_ = factories.cast(daily)
    posted = {"List-Unsubscribe": "One-Click"} if how == "one click" else {}
    browser.post(path_of(ada), posted, REMOTE_ADDR="198.51.100.7")

    told = browser.post(path_of(ada), REMOTE_ADDR="203.0.113.9").text

    assert ("/s/back/" in told, "You had already left" in told) == (False, True)


def test_undo_in_a_forwarded_mail_ends_with_the_readers_own_leaving(
    daily: Newsletter, browser: Client
) -> None:
    ada, *_ = factories.cast(daily)
    browser.post(path_of(ada))
    kept = back_path(ada)
    browser.post(path_of(ada), {"List-Unsubscribe": "One-Click"})

    answer = browser.post(kept)

    assert (answer.status_code, status_of(ada)) == (410, Status.UNSUBSCRIBED)
    assert events() == [("left", "link"), ("left", "one_click")]


def test_undo_works_after_a_sign_up_that_anybody_may_have_typed(daily: Newsletter, browser: Client) -> None:
    ada, *_ = factories.cast(daily)
    browser.post(path_of(ada))
    path = back_path(ada)
    lifecycle.subscribe(daily, email="ada@example.com")

    asked, told = browser.get(path), browser.post(path)

    assert '<form method="post">' in asked.text
    assert "Good to have you" in told.text
    assert status_of(ada) == Status.ACTIVE


def test_undo_that_cannot_be_done_says_that_a_mail_waits(daily: Newsletter, browser: Client) -> None:
    ada, *_ = factories.cast(daily)
    browser.post(path_of(ada))
    path = back_path(ada)
    lifecycle.suppress("ada@example.com", reason=Suppression.Reason.HARD_BOUNCE)
    lifecycle.subscribe(daily, email="ada@example.com")

    answer = browser.post(path)

    assert status_of(ada) == Status.PENDING
    assert "Now check your inbox" in answer.text
    assert "before you press the button in the mail that asks you to confirm" in answer.text
    assert not [words for words in ("Good to have you", "As it was") if words in answer.text]


def test_coming_back_with_less_is_one_press(browser: Client, db: None) -> None:
    weekly = factories.newsletter(digest_day=5, offers_weekdays=True)
    ada = factories.subscription(weekly, "ada@example.com")
    offered = browser.post(path_of(ada)).text

    answer = browser.post(back_path(ada), {"offer": "weekly"})

    assert [
        word for word in ("weekly", "weekdays", "two_weeks", "month") if f'value="{word}"' in offered
    ] == [
        "weekly",
        "weekdays",
        "two_weeks",
        "month",
    ]
    assert "Once a week it is" in answer.text
    assert (status_of(ada), fresh(ada).frequency) == (Status.ACTIVE, "weekly")
    assert [kind for kind, _ in events()] == ["left", "came_back", "frequency"]


# --- Why -------------------------------------------------------------------------------------------


def test_reason_is_noted_once_and_without_what_could_disturb(daily: Newsletter, browser: Client) -> None:
    ada, *_ = factories.cast(daily)
    browser.post(path_of(ada))
    path = back_path(ada, verb="why")
    words = "Too\r\nmany\0 \u202eads " + "x" * 600

    empty = browser.post(path, {"reason": "made up", "words": " \n"})
    said = [browser.post(path, {"reason": "often", "words": words}), browser.post(path, {"reason": "never"})]

    assert ["Thank you. Somebody reads it." in answer.text for answer in (empty, *said)] == [
        False,
        True,
        True,
    ]
    assert "/s/back/" in said[1].text
    reason = ConsentEvent.objects.get(kind="reason")
    assert reason.details == {"reason": "often", "words": ("Too many ads " + "x" * 600)[:500]}


def test_reason_comes_only_from_who_has_left(daily: Newsletter, browser: Client) -> None:
    ada, *_ = factories.cast(daily)
    browser.post(path_of(ada))
    path = back_path(ada, verb="why")
    browser.post(back_path(ada))

    answers = [browser.get(path), browser.post(path, {"reason": "often"})]

    assert [answer.headers["Location"] for answer in answers] == [path.replace("why", "back")] * 2
    assert [kind for kind, _ in events()] == ["left", "came_back"]


def test_reason_is_not_asked_of_who_has_confirmed_a_new_sign_up(daily: Newsletter, browser: Client) -> None:
    ada, *_ = factories.cast(daily)
    browser.post(path_of(ada))
    path = back_path(ada, verb="why")
    again = lifecycle.subscribe(daily, email="ada@example.com")
    lifecycle.confirm(again, generation=again.generation)

    answer = browser.post(path, {"reason": "often"})

    assert answer.headers["Location"] == path.replace("why", "back")
    assert [kind for kind, _ in events()] == ["left", "asked", "confirmed"]


@pytest.mark.parametrize("verb", ["rest", "mail_link", "back", "why"])
def test_buttons_of_a_link_need_no_cookie_and_are_kept_by_nobody(
    daily: Newsletter, browser: Client, verb: str
) -> None:
    ada, *_ = factories.cast(daily)
    browser.post(path_of(ada))
    token = (
        tokens.unsubscribe_token(ada.pk) if verb in {"rest", "mail_link"} else tokens.back_token(fresh(ada))
    )
    path = reverse(f"subscribers:{verb}", args=[token])

    answers = [browser.post(path, {}), browser.get(path)]

    assert {answer.status_code for answer in answers} <= {200, 302}
    assert ["no-store" in answer.headers["Cache-Control"] for answer in answers] == [True, True]
    assert browser.put(path).status_code == 405
    assert browser.post(path, {"words": "x" * 70_000}).status_code == 413
