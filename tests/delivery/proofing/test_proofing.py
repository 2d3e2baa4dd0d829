"""Test mails: they arrive as the issue will, once, and touch nothing of the ledger."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from config import mailers
from delivery import circuit, epoch, proofing, tasks
from delivery.messages import Receipt
from delivery.models import MailerState, Proof
from delivery.proofing import CannotTest
from newsletter.models import Issue, ReaderField
from subscribers import lifecycle
from subscribers.models import Subscription, Suppression
from tests import factories
from tests.delivery.proofing.mails import State, ledger, mail_to, sent
from tests.fakes.client import Fake


@pytest.mark.parametrize("by", ["smtp_server", "mailgun", "resend"])
def test_a_test_mail_arrives_as_the_issue_will(
    by: str, letter: Issue, ada: User, request: pytest.FixtureRequest
) -> None:
    server: Fake = request.getfixturevalue(by)
    ReaderField.objects.create(newsletter=letter.newsletter, name="town", label="Town")
    reader = factories.subscription(letter.newsletter, "zoe@example.com", fields={"town": "Ystad <1>"})
    reader.subscriber.first_name = "Zoë"
    reader.subscriber.save(update_fields=["first_name"])

    proof = sent(letter, "one@example.com", "two@example.org", by=ada, reader=reader)

    mail = mail_to("one@example.com", server)
    assert (proof.state, proof.detail) == (State.SENT, "")
    assert mail["subject"] == "[Test] The tide keeps its own clock"
    assert "Dear Zoë," in mail["text"]
    assert "from Ystad <1>" in mail["text"]
    assert "from Ystad &lt;1&gt;" in mail["html"]
    assert mail_to("two@example.org", server)["subject"] == mail["subject"]
    assert ledger() == [0, 0, 0, 0]


def test_without_a_reader_it_says_what_is_said_to_whom_nobody_knows(
    letter: Issue, ada: User, smtp_server: Fake
) -> None:
    sent(letter, by=ada)

    text = mail_to("desk@example.com", smtp_server)["text"]
    assert "Dear friend," in text
    assert "from far away" in text


def test_its_way_out_takes_nobody_off_the_list(letter: Issue, ada: User, smtp_server: Fake) -> None:
    reader = factories.subscription(letter.newsletter, "zoe@example.com")
    sent(letter, by=ada, reader=reader)
    link = urlsplit(smtp_server.links()["desk@example.com"]).path

    one_click = Client().post(link, {"List-Unsubscribe": "One-Click"})
    page = Client().get(link)
    pressed = Client().post(link)

    reader.refresh_from_db()
    assert (one_click.status_code, one_click.content) == (200, b"")
    assert [b"Nobody was unsubscribed" in answer.content for answer in (page, pressed)] == [True, True]
    assert reader.status == Subscription.Status.ACTIVE


def test_it_goes_out_once_however_often_it_is_woken(letter: Issue, ada: User, smtp_server: Fake) -> None:
    proof = sent(letter, by=ada)

    tasks.send_proof(proof.pk)
    tasks.sweep()

    assert len(smtp_server.messages("desk@example.com")) == 1


def test_a_second_click_finds_the_first_ones(letter: Issue, ada: User) -> None:
    first = proofing.ask(letter, addresses=["desk@example.com"], by=ada)

    second = proofing.ask(letter, addresses=["desk@example.com"], by=ada)
    other = proofing.ask(letter, addresses=["else@example.com"], by=ada)

    assert second == first
    assert other != first


def test_a_worker_that_died_leaves_it_uncertain_and_nobody_repeats_it(
    letter: Issue, ada: User, smtp_server: Fake
) -> None:
    proof = proofing.ask(letter, addresses=["desk@example.com"], by=ada)
    Proof.objects.update(state=State.SPEAKING, spoken_at=Now() - proofing.LOST_AFTER - timedelta(seconds=1))

    tasks.sweep()
    tasks.send_proof(proof.pk)

    proof.refresh_from_db()
    assert proof.state == State.UNCERTAIN
    assert "may have gone out" in proof.detail
    assert smtp_server.messages("desk@example.com") == []


def test_an_answer_that_comes_late_still_counts(letter: Issue, ada: User) -> None:
    proof = proofing.ask(letter, addresses=["desk@example.com"], by=ada)
    Proof.objects.update(state=State.UNCERTAIN, detail="The worker stopped.")

    proofing._note(proof, Receipt(accepted={-(proof.pk * 100): ""}))

    proof.refresh_from_db()
    assert (proof.state, proof.detail) == (State.SENT, "")


def test_what_waits_is_woken_by_the_sweep(letter: Issue, ada: User, smtp_server: Fake) -> None:
    proof = proofing.ask(letter, addresses=["desk@example.com"], by=ada)

    assert proofing.recover() == [proof.pk]


def test_what_waited_too_long_is_left(letter: Issue, ada: User, smtp_server: Fake) -> None:
    proof = proofing.ask(letter, addresses=["desk@example.com"], by=ada)
    Proof.objects.update(asked_at=timezone.now() - proofing.LONGEST_WAIT - timedelta(seconds=1))

    assert proofing.recover() == []

    proof.refresh_from_db()
    assert proof.state == State.FAILED
    assert "quarter of an hour" in proof.detail
    assert smtp_server.messages("desk@example.com") == []


def test_a_refusal_is_told_in_the_providers_words(letter: Issue, ada: User, smtp_server: Fake) -> None:
    smtp_server.faults(refuse={"bad@example.com": 550})

    proof = sent(letter, "good@example.com", "bad@example.com", by=ada)

    assert proof.state == State.SENT
    assert re.fullmatch(r"bad@example\.com: .*550.*", proof.detail)


def test_a_provider_that_refuses_the_call_is_told_in_its_words(
    letter: Issue, ada: User, mailgun: Fake
) -> None:
    mailgun.faults(error_every=1, error_status=401)

    proof = sent(letter, by=ada)

    assert proof.state == State.FAILED
    assert proof.detail.startswith("desk@example.com: ")


def test_no_answer_leaves_it_uncertain(letter: Issue, ada: User, mailgun: Fake) -> None:
    mailgun.faults(error_every=1, error_status=500)

    proof = sent(letter, by=ada)

    assert proof.state == State.UNCERTAIN


def test_a_server_that_is_not_there_is_told(letter: Issue, ada: User, settings: Any) -> None:
    mailer = mailers.parse("smtp://127.0.0.1:9", name="MAILER_URL")
    settings.MAILERS = {**settings.MAILERS, "bulk": mailer.as_setting()}
    settings.HAND_OVER = {"bulk": {"scheme": "smtp"}}

    proof = sent(letter, by=ada)

    assert proof.state == State.FAILED
    assert proof.detail.startswith("The mail provider cannot be reached, so nothing went out.")


def test_a_mailer_that_asked_to_wait_is_waited_for(letter: Issue, ada: User, mailgun: Fake) -> None:
    circuit.hold_back_for("bulk", seconds=60, words="Slow down, please.")

    proof = sent(letter, by=ada)

    assert (proof.state, proof.detail) == (State.WAITING, "Slow down, please.")


def test_nothing_goes_out_while_sending_is_frozen(letter: Issue, ada: User, smtp_server: Fake) -> None:
    proof = proofing.ask(letter, addresses=["desk@example.com"], by=ada)
    epoch.freeze("A backup was restored.")

    with pytest.raises(CannotTest, match=r"A backup was restored\."):
        proofing.ask(letter, addresses=["else@example.com"], by=ada)
    tasks.send_proof(proof.pk)

    proof.refresh_from_db()
    assert (proof.state, proof.detail) == (State.FAILED, "A backup was restored.")


def test_who_must_not_be_mailed_gets_no_test(letter: Issue, ada: User) -> None:
    lifecycle.suppress("no@example.com", reason=Suppression.Reason.COMPLAINT)

    with pytest.raises(CannotTest, match=r"^no@example\.com must not be mailed"):
        proofing.ask(letter, addresses=["no@example.com", "yes@example.com"], by=ada)


def test_so_many_addresses_an_hour_and_no_more(letter: Issue, ada: User) -> None:
    for number in range(3):
        proofing.ask(letter, addresses=[f"r{number}{place}@example.com" for place in range(9)], by=ada)
    with pytest.raises(CannotTest, match="you have 3 left"):
        proofing.ask(letter, addresses=[f"x{place}@example.com" for place in range(4)], by=ada)

    Proof.objects.update(asked_at=timezone.now() - timedelta(minutes=61))

    assert proofing.ask(letter, addresses=["late@example.com"], by=ada).state == State.WAITING


def test_deleting_the_draft_gives_nobody_more_tests(letter: Issue, ada: User) -> None:
    for name in "abc":
        proofing.ask(letter, addresses=[f"{name}{number}@desk.example" for number in range(10)], by=ada)
    letter.delete()
    another = factories.issue(letter.newsletter, "another")

    with pytest.raises(CannotTest, match="30 addresses an hour, and you have 0 left"):
        proofing.ask(another, addresses=["d@desk.example"], by=ada)


def test_a_test_of_a_deleted_issue_is_left(letter: Issue, ada: User, smtp_server: Fake) -> None:
    proof = proofing.ask(letter, addresses=["desk@example.com"], by=ada)
    letter.delete()

    proofing.send(proof.pk)

    proof.refresh_from_db()
    assert (proof.state, proof.detail) == (State.FAILED, "The issue was deleted before its test went out.")
    assert smtp_server.seen()["recipients"] == 0


def test_of_two_workers_one_speaks(letter: Issue, ada: User, smtp_server: Fake) -> None:
    proof = proofing.ask(letter, addresses=["desk@example.com"], by=ada)

    claims = [proofing._claim(proof, content_hash=proof.content_hash) for _worker in range(2)]

    assert claims == [True, False]


def test_it_goes_by_the_second_mailer_while_the_first_does_not_work(
    letter: Issue, ada: User, mailgun: Fake, settings: Any
) -> None:
    nowhere = mailers.parse("smtp://127.0.0.1:9", name="MAILER_URL")
    settings.MAILERS = {
        **settings.MAILERS,
        "fallback": settings.MAILERS["bulk"],
        "bulk": nowhere.as_setting(),
    }
    settings.HAND_OVER = {"fallback": settings.HAND_OVER["bulk"], "bulk": {"scheme": "smtp"}}
    MailerState.objects.create(alias="bulk", broken_since=timezone.now())

    proof = sent(letter, by=ada)

    assert proof.state == State.SENT
    assert len(mailgun.messages("desk@example.com")) == 1
