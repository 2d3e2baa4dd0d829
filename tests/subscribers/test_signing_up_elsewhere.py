"""Signing up by a frame or a form on another site, by a box on our pages, and to several newsletters at once."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.models import Issue, Newsletter, ReaderField
from subscribers import sign_ups, wordings
from subscribers.models import SignUp, Subscription
from tests import factories
from tests.subscribers.forms import posted_by

FRAME, AGAIN = "/daily/embed/", "/daily/embed/again/"
SITE = {"Referer": "https://blog.example/", "Origin": "https://blog.example"}
BOX = '<p>Text.</p><div data-block="subscribe"></div>'


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def weekly(daily: Newsletter) -> Newsletter:
    return factories.newsletter("weekly", name="The Weekly", sender_email="editors@weekly.example")


def test_frame_and_each_answer_in_it_may_stand_on_any_site(daily: Newsletter, browser: Client) -> None:
    form, wrong = browser.get(FRAME, headers=SITE), browser.post(FRAME, {"email": "ada"})
    slip = browser.post(FRAME, {"email": "ada@gmial.com"})
    taken = browser.post(FRAME, {"email": "ada@example.com"})
    again = browser.post(AGAIN, posted_by(taken.text, AGAIN))
    over = browser.post(AGAIN, {})

    for answer in (form, wrong, slip, taken, again, over):
        assert "frame-ancestors *" in answer["Content-Security-Policy"]
        assert "form-action 'self'" in answer["Content-Security-Policy"]
        assert "X-Frame-Options" not in answer
        assert not answer.cookies
        assert "site-head" not in answer.text
        assert "<script" not in answer.text
    assert [answer.status_code for answer in (form, wrong, slip, taken, again, over)] == [
        200,
        422,
        200,
        200,
        200,
        410,
    ]


def test_only_frames_may_be_framed(daily: Newsletter, browser: Client) -> None:
    for path in ("/daily/subscribe/", "/subscribe/", "/daily/"):
        answer = browser.get(path)

        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "DENY"


def test_riddle_in_a_frame_stays_in_it(daily: Newsletter, browser: Client) -> None:
    form = posted_by(browser.get(FRAME).text, FRAME)

    answer = browser.post(FRAME, form | {"email": "ada@example.com"})

    assert "data-riddle" in answer.text
    assert "frame-ancestors *" in answer["Content-Security-Policy"]
    assert "site-head" not in answer.text


def test_frame_remembers_the_site_it_stands_on(daily: Newsletter, browser: Client) -> None:
    form = posted_by(browser.get(FRAME, headers=SITE).text, FRAME)

    browser.post(
        FRAME,
        form | {"email": "ada@example.com", "shown": ""},
        headers={"Referer": f"http://testserver{FRAME}"},
    )

    assert SignUp.objects.get().source == {"page": FRAME, "referrer": "blog.example"}


@pytest.mark.parametrize(
    ("theme", "attribute"), [("light", 'data-theme="light"'), ("dark", 'data-theme="dark"'), ('x" y', "")]
)
def test_frame_keeps_the_colours_it_was_asked_for(
    daily: Newsletter, browser: Client, theme: str, attribute: str
) -> None:
    page = browser.get(FRAME, {"theme": theme}).text

    assert (attribute in page) if attribute else ("data-theme" not in page)
    assert posted_by(page, f"{FRAME}?theme={theme}" if attribute else FRAME)


def test_plain_form_on_another_site_posts_without_token_or_cookie(daily: Newsletter, browser: Client) -> None:
    answer = browser.post("/daily/subscribe/", {"email": "ada@example.com"}, headers=SITE)

    assert answer.status_code == 200
    assert SignUp.objects.get().source == {"referrer": "blog.example"}


@pytest.mark.parametrize("path", ["/daily/", "/daily/tides/"])
def test_box_carries_the_words_and_tells_where_it_stood(
    daily: Newsletter, browser: Client, path: str
) -> None:
    factories.issue(daily, status="sent", published_at=timezone.now())
    page = browser.get(path).text

    form = posted_by(page, "/daily/subscribe/")
    browser.post(
        "/daily/subscribe/",
        form | {"email": "ada@example.com"},
        headers={"Referer": f"http://testserver{path}?utm_source=chat"},
    )

    assert form == {
        "email": [""],
        "website": [""],
        "wording": [wordings.shown(daily).digest],
    }
    assert wordings.shown(daily).text in page
    sign_up = SignUp.objects.get()
    assert sign_up.source == {"page": path, "utm_source": "chat"}
    assert sign_up.newsletters[str(daily.pk)] == daily.wordings.get(language="en").pk


@pytest.mark.parametrize(("readers", "claimed"), [(99, ""), (98_765, "98,000+")])
def test_every_box_claims_the_same_or_nothing(
    daily: Newsletter, browser: Client, readers: int, claimed: str
) -> None:
    factories.issue(daily, body=BOX, status="sent", published_at=timezone.now())
    Newsletter.objects.update(active_readers=readers)
    paths = ["/", "/daily/", "/daily/tides/", "/daily/subscribe/", FRAME, "/subscribe/"]

    pages = [browser.get(path).text for path in paths]

    assert [("98,000+ readers" in page) for page in pages] == [bool(claimed)] * len(paths)


def test_claim_is_written_as_the_newsletter_s_language_writes_it(daily: Newsletter, browser: Client) -> None:
    factories.issue(daily, body=BOX, status="sent", published_at=timezone.now())
    Newsletter.objects.update(active_readers=98_765, language="de")

    pages = [browser.get(path).text for path in ("/daily/", "/daily/tides/", "/daily/subscribe/", FRAME)]

    assert all("98.000+" in page and "98,000+" not in page for page in pages)


def test_switched_off_claim_is_made_nowhere(daily: Newsletter, browser: Client) -> None:
    Issue.objects.all()
    Newsletter.objects.update(active_readers=98_765, shows_reader_count=False)

    pages = [browser.get(path).text for path in ("/", "/daily/", "/daily/subscribe/", FRAME, "/subscribe/")]

    assert not any("98,000" in page for page in pages)


def test_list_of_newsletters_leads_to_the_page_of_them_all(daily: Newsletter, browser: Client) -> None:
    assert 'href="/subscribe/"' in browser.get("/").text


def test_page_of_them_all_has_a_box_each_and_none_is_ticked(weekly: Newsletter, browser: Client) -> None:
    page = browser.get("/subscribe/").text

    assert page.count('name="newsletters"') == 2
    assert " checked" not in page
    assert [wordings.shown(newsletter).text in page for newsletter in Newsletter.objects.all()] == [
        True,
        True,
    ]


def test_several_are_signed_up_for_with_one_address(
    daily: Newsletter, weekly: Newsletter, browser: Client
) -> None:
    form = posted_by(browser.get("/subscribe/").text, "/subscribe/")
    both = [str(daily.pk), str(weekly.pk)]

    answer = browser.post(
        "/subscribe/", form | {"email": "ada@example.com", "newsletters": both, "shown": ""}
    )

    sign_up = SignUp.objects.get()
    assert sign_up.newsletters == {
        str(each.pk): each.wordings.get(language="en").pk for each in (daily, weekly)
    }
    assert all(words in answer.text for words in ("editors@daily.example", "editors@weekly.example"))
    sign_ups.take_in(sign_up.pk)
    assert Subscription.objects.filter(subscriber__email="ada@example.com").count() == 2


def test_several_are_sent_again_together(daily: Newsletter, weekly: Newsletter, browser: Client) -> None:
    posted = {"email": "ada@example.com", "newsletters": [str(daily.pk), str(weekly.pk)]}
    page = browser.post("/subscribe/", posted).text

    browser.post("/subscribe/again/", posted_by(page, "/subscribe/again/"))
    correction = posted_by(page, "/subscribe/")

    first, second = SignUp.objects.order_by("pk").values("email", "newsletters")
    assert first == second
    assert correction["newsletters"] == posted["newsletters"]


def test_what_one_page_holds_signs_up_for_nothing_on_another(
    daily: Newsletter, weekly: Newsletter, browser: Client
) -> None:
    page = browser.post("/daily/subscribe/", {"email": "ada@example.com"}).text

    again = posted_by(page, "/daily/subscribe/again/")
    answer = browser.post("/weekly/subscribe/again/", again)

    assert answer.status_code == 410
    assert SignUp.objects.count() == 1


@pytest.mark.parametrize("chosen", [[], ["999"], ["x"], ["1\0"], ["-1"], ["9" * 50]])
def test_newsletter_that_cannot_be_chosen_is_told(
    weekly: Newsletter, browser: Client, chosen: list[str]
) -> None:
    answer = browser.post("/subscribe/", {"email": "ada@example.com", "newsletters": chosen})

    assert answer.status_code == 422
    assert 'href="#id_newsletters"' in answer.text
    assert not SignUp.objects.exists()


def test_what_was_ticked_and_typed_stays_after_an_error(
    daily: Newsletter, weekly: Newsletter, browser: Client
) -> None:
    answer = browser.post(
        "/subscribe/", {"email": "ada@", "newsletters": [str(weekly.pk)], "first_name": "Ada"}
    )

    assert posted_by(answer.text, "/subscribe/")["newsletters"] == [str(weekly.pk)]
    assert 'value="Ada"' in answer.text


def test_field_is_needed_only_for_the_newsletter_that_needs_it(
    daily: Newsletter, weekly: Newsletter, browser: Client
) -> None:
    for newsletter, is_required in ((daily, False), (weekly, True)):
        ReaderField.objects.create(
            newsletter=newsletter, name="town", label="Town", is_asked=True, is_required=is_required
        )

    page = browser.get("/subscribe/").text
    answers = [
        browser.post("/subscribe/", {"email": "ada@example.com", "newsletters": [str(each.pk)]})
        for each in (daily, weekly)
    ]

    assert page.count('name="known_town"') == 1
    assert [answer.status_code for answer in answers] == [200, 422]


def test_newsletter_that_means_something_else_by_a_field_is_not_offered_together(
    daily: Newsletter, weekly: Newsletter, browser: Client
) -> None:
    for newsletter, kind in ((daily, "text"), (weekly, "date")):
        ReaderField.objects.create(
            newsletter=newsletter, name="since", label="Since", kind=kind, is_asked=True
        )

    page = browser.get("/subscribe/").text

    assert page.count('name="newsletters"') == 1
    assert 'href="/weekly/subscribe/"' in page
