"""Signing up to one newsletter by its own page, and what comes next."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.models import Newsletter, ReaderField
from subscribers import guard, sign_ups, wordings
from subscribers.guard import mailboxes, tallies
from subscribers.models import ConsentEvent, SignUp, Subscriber, Subscription
from tests import factories
from tests.subscribers.forms import posted_by

PATH = "/daily/subscribe/"
# Everything in the answer that differs between any two posts, whoever's they are: what was typed, and its signed copy.
TYPED = re.compile(rb'name="again" value="[^"]*"|[a-z.]+@example\.com')


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def test_answer_is_the_same_for_everybody(daily: Newsletter, browser: Client) -> None:
    factories.cast(daily)
    typed = ["new@example.com", "ada@example.com", "bob@example.com", "cleo@example.com"]

    answers = [browser.post(PATH, {"email": email}) for email in typed]

    assert {answer.status_code for answer in answers} == {200}
    assert len({TYPED.sub(b"", answer.content) for answer in answers}) == 1
    assert (
        len({tuple(answer.headers.items()) for answer in answers if answer.headers.pop("Content-Length")})
        == 1
    )
    assert all(not answer.cookies for answer in answers)
    assert SignUp.objects.count() == 4
    assert set(Subscriber.objects.values_list("email", flat=True)) == set(typed[1:])


def test_answer_says_what_happens_now(daily: Newsletter, browser: Client) -> None:
    factories.issue(daily, status="sent", published_at=timezone.now())

    page = browser.post(PATH, {"email": "Ada@Example.com"}).text

    assert "Now check your inbox" in page
    assert "a mail to <bdi>ada@example.com</bdi>" in page
    assert page.count("<li>") >= 3
    assert "<bdi>editors@daily.example</bdi>" in page
    assert "/daily/tides/" in page


def test_post_writes_down_all_that_was_told(daily: Newsletter, browser: Client) -> None:
    form = posted_by(browser.get(f"{PATH}?utm_source=poster&ref=bo").text, PATH)

    answer = browser.post(
        PATH,
        form | {"email": "ada@example.com", "first_name": "Ada", "shown": ""},
        headers={"Referer": f"http://testserver{PATH}", "User-Agent": "A browser"},
    )

    assert answer.status_code == 200
    sign_up = SignUp.objects.get()
    wording = sign_up.newsletters[str(daily.pk)]
    assert (sign_up.email, sign_up.first_name, sign_up.source, sign_up.network, sign_up.agent) == (
        "ada@example.com",
        "Ada",
        {"page": PATH, "utm_source": "poster", "ref": "bo"},
        "127.0.0.0/24",
        "A browser",
    )
    assert daily.wordings.get(pk=wording).digest == wordings.shown(daily).digest


def test_page_remembers_where_its_visitor_came_from(daily: Newsletter, browser: Client) -> None:
    page = browser.get(PATH, headers={"Referer": "http://testserver/daily/tides/?utm_medium=chat"}).text

    form = posted_by(page, PATH)

    assert (form["page"], form["utm_medium"]) == (["/daily/tides/"], ["chat"])


def test_source_and_wording_reach_the_subscription_and_its_proof(daily: Newsletter, browser: Client) -> None:
    digest = wordings.shown(daily).digest
    browser.post(
        PATH,
        {"email": "ada@example.com", "wording": digest},
        headers={"Referer": "https://blog.example/post"},
    )

    sign_ups.take_in(SignUp.objects.get().pk)

    ada = Subscription.objects.get()
    asked = ConsentEvent.objects.get(kind=ConsentEvent.Kind.ASKED)
    assert ada.source == {"referrer": "blog.example"}
    assert asked.wording is not None
    assert asked.wording.text == wordings.shown(daily).text


def test_page_shows_the_words_that_are_agreed_to(daily: Newsletter, browser: Client) -> None:
    Newsletter.objects.update(consent_words="Every <day>, with love.")

    page = browser.get(PATH).text

    assert "Every &lt;day&gt;, with love." in page
    assert posted_by(page, PATH)["wording"] == [wordings.shown(Newsletter.objects.get()).digest]


def test_newsletter_without_confirming_says_so(daily: Newsletter, browser: Client) -> None:
    Newsletter.objects.update(confirms_by_mail=False)

    before, after = browser.get(PATH).text, browser.post(PATH, {"email": "ada@example.com"}).text

    assert "one mail with a button" not in before
    assert "one mail that says you are in" in before
    assert "If you are new here, you are in" in after
    assert "One step is left" not in after


def test_whoever_fills_in_every_field_is_asked_a_riddle(
    daily: Newsletter, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser may have done it for them."""
    monkeypatch.setattr("subscribers.guard.judging.BITS", 0)
    asked = browser.post(PATH, {"email": "ada@example.com", "website": "http://ada.example"})
    fields = posted_by(asked.text, "")
    before = SignUp.objects.count()

    browser.post(PATH, fields | {"answer": [".".join("0" * 16)]})

    assert (before, fields["website"]) == (0, ["http://ada.example"])
    assert SignUp.objects.get().email == "ada@example.com"


def test_form_posted_faster_than_anybody_types_is_asked_a_riddle_and_loses_nothing(
    daily: Newsletter, browser: Client
) -> None:
    ReaderField.objects.create(newsletter=daily, name="town", label="Town", is_asked=True)
    form = posted_by(browser.get(f"{PATH}?utm_source=poster").text, PATH)

    answer = browser.post(
        PATH, form | {"email": "ada@example.com", "first_name": "Ada", "known_town": "Bath"}
    )

    again = posted_by(answer.text, "")
    assert (again["meant"], again["first_name"], again["known_town"], again["utm_source"]) == (
        ["ada@example.com"],
        ["Ada"],
        ["Bath"],
        ["poster"],
    )
    assert again["riddle"] != [""]
    assert not SignUp.objects.exists()


def test_slip_in_the_domain_is_asked_about_and_one_press_mends_it(daily: Newsletter, browser: Client) -> None:
    question = browser.post(PATH, {"email": "ada@gmial.com", "first_name": "Ada", "utm_source": "poster"})

    again = posted_by(question.text, PATH)
    browser.post(PATH, again | {"meant": "ada@gmail.com"})

    assert question.status_code == 200
    assert "Did you mean <bdi>ada@gmail.com</bdi>?" in question.text
    assert 'name="meant" value="ada@gmial.com"' in question.text
    assert again["first_name"] == ["Ada"]
    sign_up = SignUp.objects.get()
    assert (sign_up.email, sign_up.first_name, sign_up.source) == (
        "ada@gmail.com",
        "Ada",
        {"utm_source": "poster"},
    )


def test_unusual_address_that_is_meant_is_kept(daily: Newsletter, browser: Client) -> None:
    answer = browser.post(PATH, {"meant": "ada@gmal.com"})

    assert "Now check your inbox" in answer.text
    assert SignUp.objects.get().email == "ada@gmal.com"


def test_send_it_again_posts_the_same_once_more(daily: Newsletter, browser: Client) -> None:
    ReaderField.objects.create(newsletter=daily, name="town", label="Town", is_asked=True)
    posted = {"email": "ada@example.com", "first_name": "Ada", "known_town": "Bath", "ref": "bo"}
    page = browser.post(PATH, posted).text

    again = browser.post("/daily/subscribe/again/", posted_by(page, "/daily/subscribe/again/"))

    first, second = SignUp.objects.order_by("pk").values(
        "email", "first_name", "fields", "source", "newsletters"
    )
    assert first | {"source": {"ref": "bo", "again": "yes"}} == second
    assert again.status_code == 200
    assert 'role="status"' in again.text
    assert not again.cookies


def test_send_it_again_is_the_same_for_known_and_unknown(daily: Newsletter, browser: Client) -> None:
    factories.cast(daily)
    path = "/daily/subscribe/again/"

    answers = [
        browser.post(path, posted_by(browser.post(PATH, {"email": email}).text, path))
        for email in ("new@example.com", "ada@example.com", "cleo@example.com")
    ]

    assert len({TYPED.sub(b"", answer.content) for answer in answers}) == 1


@pytest.mark.parametrize("again", ["", "x", "eyJh:1:2", "\0", "a" * 30_000])
def test_send_it_again_with_nothing_of_ours_asks_for_the_address(
    daily: Newsletter, browser: Client, again: str
) -> None:
    answer = browser.post("/daily/subscribe/again/", {"again": again})

    assert answer.status_code == 410
    assert f'href="{PATH}"' in answer.text
    assert not SignUp.objects.exists()


def test_send_it_again_says_so_where_the_domain_turned_out_to_take_no_mail(
    daily: Newsletter, browser: Client
) -> None:
    page = browser.post(PATH, {"email": "ada@nowhere.example", "first_name": "Ada"}).text
    SignUp.objects.all().delete()
    tallies.keep(f"mail:{tallies.digest('nowhere.example')}", False, within=timedelta(hours=1))
    mailboxes.forget()  # some seconds later

    again = browser.post("/daily/subscribe/again/", posted_by(page, "/daily/subscribe/again/"))

    assert again.status_code == 422
    assert "“nowhere.example” takes no mail" in again.text
    assert 'value="ada@nowhere.example"' in again.text
    assert 'value="Ada"' in again.text
    assert not SignUp.objects.exists()


def test_send_it_again_ends_after_a_day(
    daily: Newsletter, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = posted_by(browser.post(PATH, {"email": "ada@example.com"}).text, "/daily/subscribe/again/")
    later = (timezone.now() + timedelta(hours=25)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)

    assert browser.post("/daily/subscribe/again/", form).status_code == 410


def test_opening_the_address_of_a_button_leads_to_the_form(daily: Newsletter, browser: Client) -> None:
    answers = [browser.get("/daily/subscribe/again/"), browser.head("/daily/subscribe/again/")]

    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, PATH)}


def test_slip_seen_on_the_next_page_is_mended_there(daily: Newsletter, browser: Client) -> None:
    page = browser.post(PATH, {"email": "adda@example.com", "first_name": "Ada", "ref": "bo"}).text

    form = posted_by(page, PATH)
    browser.post(PATH, form | {"email": "ada@example.com"})

    assert form["email"] == ["adda@example.com"]
    last = SignUp.objects.order_by("pk").last()
    assert last is not None
    assert (last.email, last.first_name, last.source) == ("ada@example.com", "Ada", {"ref": "bo"})


def test_looking_changes_nothing(daily: Newsletter, browser: Client) -> None:
    factories.cast(daily)
    paths = [PATH, "/daily/embed/", "/subscribe/"]

    answers = [
        ask(f"{path}?email=eve@example.com&newsletters={daily.pk}")
        for path in paths
        for ask in (browser.get, browser.head)
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert not any(b"eve@" in answer.content for answer in answers)
    assert (SignUp.objects.count(), Subscriber.objects.count()) == (0, 3)


def test_page_with_what_one_visitor_brought_is_kept_by_no_cdn(daily: Newsletter, browser: Client) -> None:
    assert "private" in browser.get(PATH)["Cache-Control"]


def test_form_keeps_the_time_it_was_first_shown(daily: Newsletter, browser: Client) -> None:
    long_ago = guard.form_token(now=timezone.now() - timedelta(minutes=5))

    page = browser.post(PATH, {"email": "ada", "shown": long_ago}).text

    assert posted_by(page, PATH)["shown"] == [long_ago]


def test_next_page_is_each_readers_own(daily: Newsletter, browser: Client) -> None:
    """It is drawn once for all: nothing of one may be left for the next."""
    first = browser.post(PATH, {"email": "ada@example.com", "first_name": "Ada"})
    second = browser.post(PATH, {"email": "o'brien&co@example.com", "first_name": "<b>"})

    assert "ada@example.com" in first.text
    assert "o&#x27;brien&amp;co@example.com" in second.text
    assert 'name="first_name" value="&lt;b&gt;"' in second.text
    assert "ada@example.com" not in second.text
    assert 'value="Ada"' not in second.text
    assert dict(first.headers) | {"Content-Length": ""} == dict(second.headers) | {"Content-Length": ""}


def test_next_page_follows_the_newsletter_and_the_chosen_language(daily: Newsletter, browser: Client) -> None:
    browser.post(PATH, {"email": "ada@example.com"})
    german = browser.post(f"{PATH}?language=de", {"email": "bob@example.com"})
    daily.name = "The Evening"
    daily.save()
    renamed = browser.post(PATH, {"email": "cleo@example.com"})

    assert 'lang="de"' in german.text
    assert german.headers["Content-Language"] == "de"
    assert "The Evening" in renamed.text
    assert 'lang="en"' in renamed.text
