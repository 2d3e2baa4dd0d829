"""What a reader's own links lead to: the page of an issue for readers only, and an answer to "was this good?"."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from delivery import answers, links, preparation
from delivery.models import Answer, Dispatch
from newsletter.models import Issue, Newsletter
from subscribers import lifecycle
from subscribers.models import Subscription
from tests import factories
from tests.delivery.engine import send
from tests.fakes.client import Fake

BODY = '<p>The tide turns.</p><div data-block="feedback" data-question="Was it worth it?"></div>'


@pytest.fixture
def ada(daily: Newsletter) -> Subscription:
    return factories.subscription(daily, "ada@example.com")


@pytest.fixture
def sent(daily: Newsletter, ada: Subscription, mailgun: Fake) -> Dispatch:
    """An issue for readers only that asks whether it was good."""
    issue = factories.issue(daily, body=BODY, visibility=Issue.Visibility.READERS, subject="The tide")
    dispatch = preparation.start(issue)
    preparation.prepare(dispatch.pk)
    send(dispatch)
    return dispatch


def own_links(fake: Fake, address: str = "ada@example.com") -> dict[str, str]:
    """By what they lead to, as the reader's HTML has them."""
    found = re.findall(r'href="http://testserver(/s/(\w+)/[^"]+)"', fake.message(address)["html"])
    return {kind: path for path, kind in found}


def path_of(url: str) -> str:
    return url.removeprefix("http://testserver")


def test_mail_of_an_issue_for_readers_leads_each_to_the_whole_page(
    sent: Dispatch, mailgun: Fake, client: Client
) -> None:
    path = own_links(mailgun)["read"]

    page = client.get(path)

    assert (page.status_code, "The tide turns." in page.text) == (200, True)
    assert (page["Cache-Control"], page["X-Robots-Tag"], page.cookies.output()) == (
        "private, no-store",
        "noindex",
        "",
    )
    assert "ada@" not in page.text
    assert path not in page.text
    assert sent.issue.get_absolute_url() not in mailgun.message("ada@example.com")["html"]
    assert path in mailgun.message("ada@example.com")["text"]


def test_mail_of_a_public_issue_leads_to_its_page(
    daily: Newsletter, ada: Subscription, mailgun: Fake
) -> None:
    dispatch = preparation.start(factories.issue(daily))
    preparation.prepare(dispatch.pk)

    send(dispatch)

    assert own_links(mailgun).keys() == {"unsubscribe"}
    assert 'href="http://testserver/daily/tides/"' in mailgun.message("ada@example.com")["html"]


def test_stranger_sees_what_an_issue_for_readers_is_about_and_how_to_become_one(
    sent: Dispatch, client: Client
) -> None:
    page = client.get("/daily/tides/")

    assert (page.status_code, page["X-Robots-Tag"], "turns" in page.text) == (200, "noindex", False)
    assert "Fifty minutes late, every day" in page.text
    assert 'action="/daily/subscribe/"' in page.text
    assert '<meta name="robots" content="noindex">' in page.text


def test_link_of_one_purpose_opens_nothing_else(sent: Dispatch, mailgun: Fake, client: Client) -> None:
    paths = own_links(mailgun)
    tokens = {
        kind: path.rstrip("/").split("/")[-1].partition("?")[0].rstrip("/") for kind, path in paths.items()
    }
    tokens["feedback"] = paths["feedback"].split("/")[3]

    answers = {
        (kind, purpose): client.get(f"/s/{kind}/{tokens[purpose]}/").status_code
        for kind in ("read", "feedback", "unsubscribe")
        for purpose in ("read", "feedback", "unsubscribe")
    }

    assert {pair for pair, status in answers.items() if status == 200} == {(kind, kind) for kind in tokens}
    assert client.get("/s/read/nonsense/").status_code == 404


def test_opening_the_link_answers_nothing_and_pressing_does(
    sent: Dispatch, mailgun: Fake, client: Client
) -> None:
    path = own_links(mailgun)["feedback"]

    page = client.get(path)

    assert path.endswith("?answer=poor")  # the last of the three
    assert (page.status_code, page["Cache-Control"], page["X-Robots-Tag"]) == (
        200,
        "private, no-store",
        "noindex",
    )
    assert re.findall(r'class="btn"[^>]*value="(\w+)"', page.text) == ["poor"]
    assert "ada" not in page.text
    assert not Answer.objects.exists()

    thanks = client.post(path.partition("?")[0], {"answer": "poor"})

    assert "You said “not good”." in thanks.text
    assert answers.counts(sent.issue) == {"good": 0, "fair": 0, "poor": 1}


def test_last_answer_of_each_reader_counts(sent: Dispatch, daily: Newsletter, client: Client) -> None:
    bob = factories.subscription(daily, "bob@example.com")
    make = links.feedback_urls(sent.pk)
    ada = Subscription.objects.get(subscriber__email="ada@example.com")

    for subscription, answer in [(ada, "good"), (bob, "good"), (ada, "fair"), (ada, "fair")]:
        assert client.post(path_of(make(subscription.pk)), {"answer": answer}).status_code == 200

    assert answers.counts(sent.issue) == {"good": 1, "fair": 1, "poor": 0}


@pytest.mark.parametrize("answer", ["", "great", "good\x00"])
def test_what_is_no_answer_is_asked_again(sent: Dispatch, mailgun: Fake, client: Client, answer: str) -> None:
    page = client.post(own_links(mailgun)["feedback"].partition("?")[0], {"answer": answer})

    assert ("Was it worth it?" in page.text, Answer.objects.count()) == (True, 0)


def test_who_left_may_still_answer_and_who_was_erased_may_not(
    sent: Dispatch, ada: Subscription, client: Client
) -> None:
    path = path_of(links.feedback_urls(sent.pk)(ada.pk))
    lifecycle.unsubscribe(ada)

    left = client.post(path, {"answer": "good"}).status_code
    ada.subscriber.delete()
    erased = client.post(path, {"answer": "poor"}).status_code

    assert (left, erased) == (200, 404)
    assert answers.counts(sent.issue) == {"good": 1, "fair": 0, "poor": 0}


def test_answers_cost_one_statement_to_count(sent: Dispatch, django_assert_num_queries: Any) -> None:
    issue = sent.issue

    with django_assert_num_queries(1):
        assert answers.counts(issue) == {"good": 0, "fair": 0, "poor": 0}
