"""The page of one person, and its buttons."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.models import Newsletter, ReaderField
from subscribers import lifecycle
from subscribers.models import ConsentEvent, Letter, Subscription, Suppression
from tests import factories
from tests.subscribers.manage_page import events, link, press, words_of

Status, Kind = Subscription.Status, ConsentEvent.Kind


@pytest.fixture
def browser() -> Client:
    """As a real one: a form without its token is refused."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def ada(daily: Newsletter) -> Subscription:
    return factories.subscription(daily, "ada@example.com")


def test_page_shows_everything_but_the_address(ada: Subscription, browser: Client) -> None:
    factories.newsletter("weekly", name="The Weekly")

    page = browser.get(link(ada))

    assert page.status_code == 200
    assert "a…@e….com" in page.text
    assert "ada@example.com" not in page.text
    assert "The Daily" in page.text
    assert "By signing up you agree to get The Weekly" in page.text
    assert page["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert page["X-Robots-Tag"] == "noindex"
    assert page["Referrer-Policy"] == "no-referrer"


def test_opening_the_pages_changes_nothing(ada: Subscription, browser: Client) -> None:
    steps = ["", "delete/", "download/"]
    before = list(Subscription.objects.values())

    answers = [ask(link(ada, step)).status_code for step in steps for ask in (browser.get, browser.head)]

    assert answers == [200] * 6
    assert (list(Subscription.objects.values()), ConsentEvent.objects.count()) == (before, 0)


@pytest.mark.parametrize(
    "step",
    ["you/", "address/", "address/keep/", "of/daily/leave/", "of/daily/begin/", "of/daily/go-on/", "fresh/"],
)
def test_address_of_a_button_leads_to_the_page_and_does_nothing(
    ada: Subscription, browser: Client, step: str
) -> None:
    before = list(Subscription.objects.values())

    looked = [ask(f"{link(ada, step)}?language=de") for ask in (browser.get, browser.head)]

    assert {(answer.status_code, answer["Location"]) for answer in looked} == {
        (302, f"{link(ada)}?language=de")
    }
    assert (list(Subscription.objects.values()), ConsentEvent.objects.count()) == (before, 0)
    assert not Letter.objects.exists()


@pytest.mark.parametrize("step", ["you/", "address/", "of/daily/leave/", "of/daily/how-often/", "delete/"])
def test_link_that_somebody_else_is_made_to_post_changes_its_own_reader_alone(
    ada: Subscription, browser: Client, step: str
) -> None:
    """A forger has no link but their own, whoever's browser they post it from."""
    eve = factories.subscription(ada.newsletter, "eve@example.com")
    browser.get(link(ada))
    before = list(Subscription.objects.filter(pk=ada.pk).values())

    browser.post(link(eve, step), {"rhythm": "month"}, headers={"Origin": "https://evil.example"})

    assert list(Subscription.objects.filter(pk=ada.pk).values()) == before
    assert events(ada) == []


def test_weekly_is_chosen_once_however_often_it_is_pressed(ada: Subscription, browser: Client) -> None:
    Newsletter.objects.update(digest_day=4)

    pages = [press(browser, ada, "of/daily/how-often/", rhythm="weekly") for _ in range(2)]

    ada.refresh_from_db()
    assert (ada.frequency, ada.status) == ("weekly", Status.ACTIVE)
    assert all("Saved." in page.text and "one mail a week" in page.text for page in pages)
    assert events(ada) == [(Kind.FREQUENCY, "manage")]


def test_pause_has_an_end_by_the_newsletters_clock_and_can_be_ended(
    ada: Subscription, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    Newsletter.objects.update(time_zone="Asia/Seoul")
    now = datetime(2026, 11, 22, 16, tzinfo=UTC)  # the 23rd, there
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)

    page = press(browser, ada, "of/daily/how-often/", rhythm="two_weeks")
    ada.refresh_from_db()

    assert (ada.status, ada.paused_until) == (Status.PAUSED, datetime(2026, 12, 6, 15, tzinfo=UTC))
    assert "nothing comes until 7 December 2026" in page.text
    page = press(browser, ada, "of/daily/go-on/")
    ada.refresh_from_db()
    assert (ada.status, ada.paused_until) == (Status.ACTIVE, None)
    assert "it goes on" in page.text
    assert events(ada) == [(Kind.PAUSED, "manage"), (Kind.RESUMED, "manage")]


@pytest.mark.parametrize(
    ("days", "words"),
    [(None, "Please choose the day"), (0, "still to come"), (-1, "still to come"), (366, "a year at most")],
)
def test_pause_until_a_wrong_day_says_so_and_keeps_what_was_chosen(
    ada: Subscription, browser: Client, days: int | None, words: str
) -> None:
    day = "" if days is None else (timezone.localdate() + timedelta(days=days)).isoformat()

    page = press(browser, ada, "of/daily/how-often/", rhythm="until", until=day)

    ada.refresh_from_db()
    assert (page.status_code, ada.status) == (422, Status.ACTIVE)
    assert words in page.text
    assert re.search(r'value="until"[^>]*checked', page.text)
    assert f'value="{day}"' in page.text


def test_pause_lasts_a_year_at_most(ada: Subscription, browser: Client) -> None:
    day = timezone.localdate() + timedelta(days=365)

    press(browser, ada, "of/daily/how-often/", rhythm="until", until=day.isoformat())

    ada.refresh_from_db()
    assert (ada.status, ada.paused_until and timezone.localdate(ada.paused_until)) == (Status.PAUSED, day)


def test_what_is_not_offered_cannot_be_chosen(ada: Subscription, browser: Client) -> None:
    page = press(browser, ada, "of/daily/how-often/", rhythm="weekly")

    ada.refresh_from_db()
    assert (page.status_code, ada.frequency) == (422, "every")
    assert "not offered any more" in page.text


def test_leaving_and_coming_back_are_each_done_once_and_proved(ada: Subscription, browser: Client) -> None:
    left = [press(browser, ada, "of/daily/leave/") for _ in range(2)]
    ada.refresh_from_db()
    assert ada.status == Status.UNSUBSCRIBED
    assert all("You have left." in page.text for page in left)
    digest, words = words_of(browser, ada)

    back = [press(browser, ada, "of/daily/begin/", wording=digest) for _ in range(2)]

    ada.refresh_from_db()
    assert ada.status == Status.ACTIVE
    assert all("Welcome. The next issue comes to you." in page.text for page in back)
    assert events(ada) == [(Kind.LEFT, "manage"), (Kind.ASKED, "manage"), (Kind.CONFIRMED, "manage")]
    asked = ConsentEvent.objects.select_related("wording").get(kind=Kind.ASKED)
    assert asked.wording
    assert asked.wording.text == words
    assert "begins at once" in words
    assert not Letter.objects.filter(kind=Letter.Kind.KNOWN).exists()


def test_another_newsletter_begins_at_once(ada: Subscription, browser: Client) -> None:
    weekly = factories.newsletter("weekly", name="The Weekly")

    page = press(browser, ada, "of/weekly/begin/", wording=words_of(browser, ada)[0])

    new = Subscription.objects.get(newsletter=weekly)
    assert (new.subscriber_id, new.status) == (ada.subscriber_id, Status.ACTIVE)
    assert ConsentEvent.objects.get(kind=Kind.ASKED).wording is not None
    assert events(ada) == [(Kind.ASKED, "manage"), (Kind.CONFIRMED, "manage")]
    assert "Welcome. The next issue comes to you." in page.text


def test_who_never_confirmed_can_do_so_here(daily: Newsletter, browser: Client) -> None:
    bob = factories.subscription(daily, "bob@example.com", status="pending")

    press(browser, bob, "of/daily/begin/", wording=words_of(browser, bob)[0])

    bob.refresh_from_db()
    said = [(Kind.ASKED, "manage"), (Kind.CONFIRMED, "manage")]
    assert (bob.status, events(bob)) == (Status.ACTIVE, said)
    assert ConsentEvent.objects.get(kind=Kind.ASKED).wording is not None


def test_mail_that_bounced_can_be_started_again(
    ada: Subscription, browser: Client, daily: Newsletter
) -> None:
    lifecycle.suppress("ada@example.com", reason=Suppression.Reason.HARD_BOUNCE)
    assert "came back as undeliverable" in browser.get(link(ada)).text

    press(browser, ada, "of/daily/begin/")

    assert Subscription.objects.mailable(daily).get() == ada


def test_no_button_begins_anything_after_a_complaint(
    ada: Subscription, browser: Client, daily: Newsletter
) -> None:
    lifecycle.suppress("ada@example.com", reason=Suppression.Reason.COMPLAINT)
    page = browser.get(link(ada))
    assert "reported as spam" in page.text
    assert "/begin/" not in page.text

    press(browser, ada, "of/daily/begin/")

    assert not Subscription.objects.mailable(daily).exists()
    assert not ConsentEvent.objects.exists()


def test_name_and_language_are_saved_and_the_page_speaks_it(ada: Subscription, browser: Client) -> None:
    page = press(browser, ada, "you/", first_name="Ada", language="de")

    ada.subscriber.refresh_from_db()
    assert (ada.subscriber.first_name, ada.subscriber.language) == ("Ada", "de")
    assert '<html lang="de"' in page.text
    event = ConsentEvent.objects.get()
    assert (event.kind, event.details) == (Kind.LANGUAGE, {"chosen": "de"})


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"first_name": "Ada\u202e"}, "invisible characters"),
        ({"first_name": "Ada\r\nBcc: x@example.com"}, "one line"),
        ({"first_name": "A\0da"}, "Null characters"),
        ({"first_name": "a" * 101}, "at most 100 characters"),
        ({"first_name": "Ada", "language": "tlh"}, "Select a valid choice"),
    ],
)
def test_hostile_name_or_language_is_said_at_the_field(
    ada: Subscription, browser: Client, typed: dict[str, str], words: str
) -> None:
    page = press(browser, ada, "you/", **typed)

    ada.subscriber.refresh_from_db()
    assert page.status_code == 422
    assert words in page.text
    assert (ada.subscriber.first_name, ada.subscriber.language) == ("", "")


def test_newsletters_own_fields_are_typed(ada: Subscription, browser: Client) -> None:
    for name, kind in (("town", "text"), ("team", "choice"), ("birthday", "date")):
        ReaderField.objects.create(
            newsletter=ada.newsletter, name=name, label=name.title(), kind=kind, choices="Red\nBlue"
        )

    wrong = press(
        browser, ada, "of/daily/fields/", known_town="Bath", known_team="Green", known_birthday="soon"
    )
    right = press(
        browser, ada, "of/daily/fields/", known_town="Bath", known_team="Blue", known_birthday="1999-12-31"
    )

    assert (wrong.status_code, right.status_code) == (422, 200)
    assert 'value="Bath"' in wrong.text
    ada.refresh_from_db()
    assert ada.fields == {"town": "Bath", "team": "Blue", "birthday": "1999-12-31"}
    assert "Saved." in right.text


def test_newsletter_they_do_not_have_is_not_there(ada: Subscription, browser: Client) -> None:
    factories.newsletter("weekly")

    assert press(browser, ada, "of/weekly/leave/").status_code == 404
    assert press(browser, ada, "of/nothing/begin/").status_code == 404


def test_page_costs_no_more_with_more_newsletters(
    ada: Subscription, browser: Client, django_assert_num_queries
) -> None:
    counts = []
    for number in range(2):
        newsletter = factories.newsletter(f"more-{number}")
        Subscription.objects.create(
            subscriber=ada.subscriber, newsletter=newsletter, status="active", confirmed_at=timezone.now()
        )
        factories.newsletter(f"other-{number}")
        with django_assert_num_queries(8):
            counts.append(browser.get(link(ada)).text.count("/leave/"))

    assert counts == [2, 3]
