"""How a reader without a mail at hand gets their link, and how an outsider learns nothing by it."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from newsletter import faces
from newsletter.models import Newsletter
from newsletter.site import absolute_url
from subscribers import guard, letters, lifecycle, sign_ups
from subscribers.models import Letter, SignUp, Subscriber, Suppression
from tests import factories

KNOWN = ["ada@example.com", "bob@example.com", "cleo@example.com"]


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def ask(browser: Client, email: str, path: str = "/your-subscriptions/"):
    return browser.post(path, {"email": email})


def take_all_in() -> list[str]:
    """What a worker does; the addresses written to."""
    for pk in SignUp.objects.values_list("pk", flat=True):
        sign_ups.take_in(pk)
    for pk in Letter.objects.filter(due_at__isnull=False).values_list("pk", flat=True):
        letters.send_due(pk, now=timezone.now())
    return sorted(message.to[0] for message in mail.outbox)


def test_every_mail_leads_to_the_page_of_its_newsletter(daily: Newsletter, browser: Client) -> None:
    url = faces.masthead(daily).manage_url

    assert url == absolute_url(reverse("subscribers:ask_manage", args=["daily"]))


@pytest.mark.parametrize("path", ["/your-subscriptions/", "/daily/manage/"])
def test_answer_is_the_same_for_everybody(daily: Newsletter, browser: Client, path: str) -> None:
    factories.cast(daily)
    lifecycle.suppress("ada@example.com", reason=Suppression.Reason.COMPLAINT)

    answers = [ask(browser, email, path) for email in [*KNOWN, "stranger@example.com"]]

    said = {re.sub(r"\w+@example", "…@example", answer.text) for answer in answers}
    assert ({answer.status_code for answer in answers}, len(said)) == ({200}, 1)
    assert all(not answer.cookies for answer in answers)
    assert SignUp.objects.count() == 4


def test_answer_costs_the_same_queries_for_everybody(
    daily: Newsletter, browser: Client, django_assert_num_queries
) -> None:
    factories.cast(daily)

    for email in [*KNOWN, "stranger@example.com"]:
        with django_assert_num_queries(1) as asked:
            ask(browser, email)
        assert not any("subscribers_subscriber" in query["sql"] for query in asked.captured_queries)


def test_only_who_is_known_is_written_to(daily: Newsletter, browser: Client) -> None:
    factories.cast(daily)
    for email in [*KNOWN, "stranger@example.com"]:
        ask(browser, email)

    written_to = take_all_in()

    assert written_to == KNOWN
    assert not Subscriber.objects.filter(email="stranger@example.com").exists()


def test_mailed_link_opens_the_page(daily: Newsletter, browser: Client) -> None:
    factories.cast(daily)
    ask(browser, "  ADA@example.com ", "/daily/manage/")
    take_all_in()

    (message,) = mail.outbox
    found = re.search(r"http://testserver(/s/manage/\S+)", message.body)

    assert found
    assert browser.get(found[1]).status_code == 200


def test_asked_again_and_again_is_one_mail(daily: Newsletter, browser: Client) -> None:
    factories.cast(daily)

    for _ in range(4):
        ask(browser, "ada@example.com")
        take_all_in()

    assert len(mail.outbox) == 1


def test_after_a_complaint_nothing_is_written(daily: Newsletter, browser: Client) -> None:
    factories.cast(daily)
    lifecycle.suppress("ada@example.com", reason=Suppression.Reason.COMPLAINT)
    ask(browser, "ada@example.com")

    assert take_all_in() == []


def test_typo_is_said_at_the_field_and_the_text_is_kept(daily: Newsletter, browser: Client) -> None:
    answer = ask(browser, "ada@example")

    assert answer.status_code == 422
    assert "check it for typos" in answer.text
    assert 'value="ada@example"' in answer.text
    assert not SignUp.objects.exists()


def test_whoever_fills_in_the_hidden_field_gets_a_riddle(daily: Newsletter, browser: Client) -> None:
    answer = browser.post("/your-subscriptions/", {"email": "ada@example.com", "website": "x"})

    assert 'name="riddle"' in answer.text
    assert not SignUp.objects.exists()


def test_machine_that_is_too_quick_gets_a_riddle_at_the_same_place(
    daily: Newsletter, browser: Client
) -> None:
    answer = browser.post("/daily/manage/", {"email": "ada@example.com", "shown": guard.form_token()})

    assert 'name="riddle"' in answer.text
    assert not SignUp.objects.exists()


def test_opening_the_page_sets_no_cookie_and_writes_nothing(daily: Newsletter, browser: Client) -> None:
    answers = [browser.get("/your-subscriptions/"), browser.head("/daily/manage/")]

    assert [(answer.status_code, answer.cookies.output()) for answer in answers] == [(200, "")] * 2
    assert not SignUp.objects.exists()


def test_every_page_has_the_way_there_at_its_foot(daily: Newsletter, browser: Client) -> None:
    assert 'href="/your-subscriptions/"' in browser.get("/").text
    archive = browser.get("/daily/")
    assert 'href="/daily/manage/"' in archive.text
    assert archive.cookies.output() == ""
