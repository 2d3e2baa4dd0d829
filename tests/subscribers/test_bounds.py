"""Buttons behind readers' own links put up with whatever is posted at them, and say what to do."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import tokens
from subscribers.models import Subscription
from subscribers.views.bounds import LARGEST
from tests import factories
from tests.subscribers.manage_page import link

URLENCODED = "application/x-www-form-urlencoded"
BAD = [
    (b"&".join(b"a%d=1" % number for number in range(2000)), URLENCODED),
    (b"--b\r\nnothing", "multipart/form-data"),
]
HUGE = b"a=" + b"a" * LARGEST
BUTTONS = ("confirm", "confirm_again", "rest", "mail_link", "back", "why", "manage_fresh", "manage_person")


@pytest.fixture
def ada(daily: Newsletter) -> Subscription:
    return factories.subscription(daily, "ada@example.com")


def posted(path: str, body: bytes, content_type: str = URLENCODED):
    return Client().generic("POST", path, body, content_type=content_type)


@pytest.mark.parametrize(("body", "status"), [(HUGE, 413), (BAD[0][0], 400)])
def test_frame_on_another_site_is_answered_in_the_frame(daily: Newsletter, body: bytes, status: int) -> None:
    answer = posted(reverse("subscribers:embed", args=["daily"]), body)

    assert (answer.status_code, '<body class="embedded">' in answer.text) == (status, True)
    assert 'href="/daily/embed/"' in answer.text
    assert "<footer" not in answer.text
    assert 'href="?v=' not in answer.text  # the colours of no newsletter


@pytest.mark.parametrize("name", BUTTONS)
@pytest.mark.parametrize(("body", "content_type"), BAD)
def test_what_cannot_be_read_is_a_page_with_a_way_back(
    daily: Newsletter, name: str, body: bytes, content_type: str
) -> None:
    answer = posted(reverse(f"subscribers:{name}", args=["token"]), body, content_type)

    assert answer.status_code == 400
    assert "Nothing was changed. Please go back and try once more." in answer.text
    assert "signed up" not in answer.text


@pytest.mark.parametrize("name", BUTTONS)
def test_what_is_too_large_is_refused_before_it_is_read(daily: Newsletter, name: str) -> None:
    answer = posted(reverse(f"subscribers:{name}", args=["token"]), HUGE)

    assert (answer.status_code, "That is too much for this form" in answer.text) == (413, True)


@pytest.mark.parametrize("step", ["you/", "fresh/", "of/daily/leave/"])
def test_way_back_is_a_page_that_can_be_opened(ada: Subscription, step: str) -> None:
    page = link(ada)

    answer = posted(f"{page}{step}?language=de", HUGE)

    assert f'href="{page}?language=de"' in answer.text
    assert Client().get(page).status_code == 200


@pytest.mark.parametrize(("body", "content_type"), [*BAD, (HUGE, URLENCODED)])
def test_leaving_takes_whatever_is_posted(ada: Subscription, body: bytes, content_type: str) -> None:
    path = reverse("subscribers:unsubscribe", args=[tokens.unsubscribe_token(ada.pk)])

    answer = posted(path, body, content_type)

    ada.refresh_from_db()
    assert (answer.status_code, ada.status) == (200, Subscription.Status.UNSUBSCRIBED)
    assert ada.unsubscribed_at <= timezone.now()


@pytest.mark.parametrize(
    ("language", "words"), [("en", "could not be read"), ("de", 'lang="de"'), ("ar", 'dir="rtl"')]
)
def test_what_no_page_looks_at_is_answered_in_the_readers_language(
    db: None, language: str, words: str
) -> None:
    """The check for forged forms reads the post before any page does."""
    browser = Client(enforce_csrf_checks=True)
    browser.cookies["csrftoken"] = "a" * 32
    body, content_type = BAD[0]

    answer = browser.generic(
        "POST", "/s/read/1.1~x/", body, content_type=content_type, HTTP_ACCEPT_LANGUAGE=language
    )

    assert (answer.status_code, words in answer.text) == (400, True)
    assert '<a class="btn" href="/">' in answer.text


def test_host_that_is_not_ours_is_answered_too(db: None) -> None:
    answer = Client().get("/", headers={"host": "evil.example"})

    assert answer.status_code == 400
