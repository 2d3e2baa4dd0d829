"""The fields that a newsletter asks for at sign-up."""

from __future__ import annotations

import pytest
from django.test import Client

from newsletter.models import Newsletter, ReaderField
from subscribers import sign_ups
from subscribers.models import SignUp, Subscription

PATH = "/daily/subscribe/"
Kind = ReaderField.Kind


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def _asking(daily: Newsletter) -> None:
    ReaderField.objects.bulk_create(
        [
            ReaderField(newsletter=daily, name="town", label="Your <town>", is_asked=True),
            ReaderField(
                newsletter=daily,
                name="team",
                label="Team",
                kind=Kind.CHOICE,
                choices="Reds & Co\nBlues",
                is_asked=True,
                is_required=True,
            ),
            ReaderField(newsletter=daily, name="born", label="Born", kind=Kind.DATE, is_asked=True),
            ReaderField(newsletter=daily, name="number", label="Member’s number"),
        ]
    )


@pytest.mark.usefixtures("_asking")
def test_page_asks_for_what_the_publisher_wants_to_know(browser: Client) -> None:
    page = browser.get(PATH).text

    assert "Your &lt;town&gt;" in page
    assert '<option value="Reds &amp; Co">Reds &amp; Co</option>' in page
    assert 'type="date" name="known_born"' in page.replace(
        'name="known_born" type="date"', 'type="date" name="known_born"'
    )
    assert "known_number" not in page


@pytest.mark.usefixtures("_asking")
def test_answers_reach_the_subscription(daily: Newsletter, browser: Client) -> None:
    answers = {
        "known_town": " Bath ",
        "known_team": "Reds & Co",
        "known_born": "1999-03-07",
        "known_number": "7",
    }
    browser.post(PATH, {"email": "ada@example.com", **answers})

    sign_ups.take_in(SignUp.objects.get().pk)

    assert Subscription.objects.get().fields == {"town": "Bath", "team": "Reds & Co", "born": "1999-03-07"}


@pytest.mark.usefixtures("_asking")
@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("known_team", "", "Please choose one."),
        ("known_team", "Greens", "This is not offered any more."),
        ("known_team", "Reds\0", "This is not offered any more."),
        ("known_town", "a\r\nBcc: b@example.com", "Write this on one line"),
        ("known_town", "\u202egnp", "invisible characters"),
        ("known_town", "nul\0l", "Null characters are not allowed"),
        ("known_town", "x" * 101, "at most 100 characters"),
        ("known_born", "tomorrow", "That does not look like a date"),
        ("known_born", "1999-02-30", "That does not look like a date"),
        ("known_born", "0001-01-01", "Please check the year."),
        ("known_born", "9999-12-31", "Please check the year."),
        ("known_born", "1999-03-07\0", "That does not look like a date"),
    ],
)
def test_answer_that_cannot_be_is_told_at_its_field(
    browser: Client, name: str, typed: str, said: str
) -> None:
    answer = browser.post(PATH, {"email": "ada@example.com", "known_team": "Blues", name: typed})

    assert answer.status_code == 422
    assert said in answer.text
    assert f'href="#id_{name}"' in answer.text
    assert not SignUp.objects.exists()


@pytest.mark.usefixtures("_asking")
def test_box_in_an_issue_leads_to_the_page_that_asks(browser: Client) -> None:
    answer = browser.post(PATH, {"email": "ada@example.com"}, headers={"Referer": "http://testserver/daily/"})

    assert answer.status_code == 422
    assert 'value="ada@example.com"' in answer.text
    assert 'name="page" value="/daily/"' in answer.text
