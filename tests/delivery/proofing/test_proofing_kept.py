"""What is known of a test mail afterwards: of which text it was, what its links do, and for how long it is kept."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from delivery import proofing, tasks, webhooks
from delivery.models import Answer, Proof
from newsletter.models import Issue
from tests import factories
from tests.delivery.proofing.mails import sent
from tests.fakes.client import Fake


def test_a_test_is_of_the_text_that_went_out(letter: Issue, ada: User, smtp_server: Fake) -> None:
    proof = proofing.ask(letter, addresses=["desk@example.com"], by=ada)
    letter.subject = "Changed before the worker came"
    letter.save(update_fields=["subject"])

    tasks.send_proof(proof.pk)

    proof.refresh_from_db()
    assert proofing.latest(letter) == proof
    assert proofing.is_stale(proof, letter) is False


def test_an_edit_makes_it_stale(letter: Issue, ada: User, smtp_server: Fake) -> None:
    proof = sent(letter, by=ada)

    letter.body += "<p>One more thing.</p>"

    assert proofing.is_stale(proof, letter) is True


def test_a_text_that_is_as_it_was_has_its_test_again(letter: Issue, ada: User, smtp_server: Fake) -> None:
    first, body = sent(letter, by=ada), letter.body
    letter.body += "<p>One more thing.</p>"
    letter.save(update_fields=["body"])
    second = sent(letter, by=ada)

    found = [proofing.latest(letter)]
    letter.body = body
    found.append(proofing.latest(letter))

    assert found == [second, first]


@pytest.mark.parametrize(
    ("slot", "words"),
    [
        ("feedback_url", "No answer was counted"),
        ("web_url", "There is nothing to read here yet"),
        ("unsubscribe_url", "Nobody was unsubscribed"),
    ],
)
def test_its_links_lead_to_a_page_that_says_what_each_is_for(letter: Issue, slot: str, words: str) -> None:
    link = urlsplit(proofing.values(letter, None)[slot]).path

    page = Client().get(link, {"answer": "good"})

    assert (page.status_code, page["X-Robots-Tag"], words in page.text) == (200, "noindex", True)


def test_answer_to_a_test_mail_is_counted_nowhere(letter: Issue) -> None:
    link = urlsplit(proofing.values(letter, None)["feedback_url"]).path

    page = Client().post(link, {"answer": "good"})

    assert ("No answer was counted" in page.text, Answer.objects.exists()) == (True, False)


def test_the_last_used_addresses_are_those_of_this_issue(letter: Issue, ada: User) -> None:
    other = factories.issue(letter.newsletter, "other")
    proofing.ask(other, addresses=["a@example.com"], by=ada)

    assert (proofing.last_used(ada, other), proofing.last_used(ada, letter)) == (["a@example.com"], [])


def test_the_last_used_addresses_are_a_persons_own(letter: Issue, ada: User) -> None:
    bob = User.objects.create_user("bob")
    proofing.ask(letter, addresses=["b@example.com"], by=bob)
    proofing.ask(letter, addresses=["a@example.com", "c@example.com"], by=ada)

    assert proofing.last_used(ada, letter) == ["a@example.com", "c@example.com"]
    assert proofing.last_used(bob, letter) == ["b@example.com"]


def test_old_tests_are_forgotten(letter: Issue, ada: User) -> None:
    proofing.ask(letter, addresses=["a@example.com"], by=ada)
    Proof.objects.update(asked_at=timezone.now() - proofing.KEPT - timedelta(days=1))

    proofing.recover()

    assert list(Proof.objects.all()) == []


def test_a_providers_event_about_a_test_concerns_no_reader(letter: Issue, ada: User, mailgun: Fake) -> None:
    sent(letter, by=ada)

    carried = mailgun.message("desk@example.com")["variables"]["delivery"]

    assert webhooks._delivery_id({"delivery": carried}) is None
