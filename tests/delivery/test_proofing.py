"""Test mails: they arrive as the issue will, once, and touch nothing of the ledger."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config import mailers
from delivery import circuit, epoch, held, proofing, tasks, webhooks
from delivery.exceptions import AccountRefused, Transient
from delivery.messages import Receipt
from delivery.models import Answer, Attempt, Batch, Delivery, Dispatch, MailerState, Proof
from delivery.proofing import CannotTest
from newsletter.models import Issue, ReaderField
from subscribers import lifecycle
from subscribers.models import Subscriber, Subscription, Suppression
from tests import factories
from tests.fakes.client import Fake

State = Proof.State
NAME = '<p>Dear <span class="field" data-field="first_name" data-fallback="friend">friend</span>,</p>'
TOWN = '<p>from <span class="field" data-field="town" data-fallback="far away">far away</span></p>'


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", email="ada@desk.example", is_staff=True)


@pytest.fixture
def letter(draft: Issue) -> Issue:
    """An issue that says something of each reader."""
    draft.body = NAME + TOWN
    draft.save(update_fields=["body"])
    return draft


def sent(issue: Issue, *addresses: str, by: User, reader: Subscription | None = None) -> Proof:
    proof = proofing.ask(issue, addresses=addresses or ["desk@example.com"], by=by, reader=reader)
    tasks.send_proof(proof.pk)
    proof.refresh_from_db()
    return proof


def mail_to(address: str, server: Fake) -> dict[str, str]:
    """What the one mail to this address says."""
    kept = server.message(address)
    if "source" not in kept:
        return {name: kept[name] for name in ("subject", "text", "html")}
    mail = email.message_from_string(kept["source"], policy=email.policy.default)
    parts = {kind: mail.get_body((kind,)) for kind in ("plain", "html")}
    assert parts["plain"] is not None
    assert parts["html"] is not None
    return {
        "subject": mail["Subject"],
        "text": parts["plain"].get_content(),
        "html": parts["html"].get_content(),
    }


def ledger() -> list[int]:
    return [model.objects.count() for model in (Dispatch, Batch, Delivery, Attempt)]


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


def test_a_providers_event_about_a_test_concerns_no_reader(letter: Issue, ada: User, mailgun: Fake) -> None:
    sent(letter, by=ada)

    carried = mailgun.message("desk@example.com")["variables"]["delivery"]

    assert webhooks._delivery_id({"delivery": carried}) is None


OSHEA = "o'shea@example.com"


def erased(email: str = OSHEA) -> None:
    lifecycle.erase(Subscriber.objects.get(email=email))


@pytest.fixture
def reader(letter: Issue) -> Subscription:
    return factories.subscription(letter.newsletter, OSHEA)


def test_who_is_deleted_is_in_no_test_that_went_out(
    letter: Issue, ada: User, smtp_server: Fake, reader: Subscription
) -> None:
    near = f"j.{OSHEA}"
    smtp_server.faults(refuse={OSHEA: 550, near: 550})
    proof = sent(letter, "desk@example.com", OSHEA, near, by=ada)
    assert f"\n{OSHEA}: " in f"\n{proof.detail}"

    erased()

    proof.refresh_from_db()
    assert proof.addresses == ["desk@example.com", "(deleted)", near]
    assert [line.partition(": ")[0] for line in proof.detail.splitlines()] == ["(deleted)", near]
    assert proofing.last_used(ada, letter) == ["desk@example.com", near]


def test_who_is_deleted_gets_no_test_that_waits(
    letter: Issue, ada: User, smtp_server: Fake, reader: Subscription
) -> None:
    for_both = proofing.ask(letter, addresses=[OSHEA, "desk@example.com"], by=ada)
    for_one = proofing.ask(letter, addresses=[OSHEA], by=ada)
    erased()

    for proof in (for_both, for_one):
        proofing.send(proof.pk)
        proof.refresh_from_db()

    assert (for_both.state, for_both.addresses, for_both.detail) == (
        State.SENT,
        ["(deleted)", "desk@example.com"],
        "",
    )
    assert (for_one.state, for_one.detail) == (
        State.FAILED,
        "Whoever it was to go to was deleted before it went out.",
    )
    assert smtp_server.counts() == {"desk@example.com": 1}


def test_who_is_deleted_while_a_test_leaves_is_not_named_when_it_settles(
    letter: Issue, ada: User, reader: Subscription
) -> None:
    proof = proofing.ask(letter, addresses=["desk@example.com", OSHEA], by=ada)
    Proof.objects.update(state=State.SPEAKING, spoken_at=Now())
    words = f"550 <{OSHEA}>: no such user, says {letter.newsletter.sender_email}"
    erased()

    proofing._note(proof, Receipt(refused=dict.fromkeys(proofing._numbered(proof), words)))

    proof.refresh_from_db()
    said = f"550 <o'…@e….com>: no such user, says {letter.newsletter.sender_email}"
    assert (proof.state, proof.addresses) == (State.FAILED, ["desk@example.com", "(deleted)"])
    assert proof.detail == f"desk@example.com: {said}\n(deleted): {said}"


@pytest.mark.parametrize("error", [AccountRefused, Transient])
def test_provider_that_cannot_be_used_names_no_reader(error: type[Exception]) -> None:
    said = proofing._why(error("No quota for eve@example.com, desk@x.com"), sender="desk@x.com")

    assert "No quota for e…@e….com, desk@x.com" in said


def test_deleting_somebody_reads_the_tests_once(letter: Issue, ada: User, reader: Subscription) -> None:
    for number in range(20):
        proofing.ask(letter, addresses=[f"desk{number}@example.com"], by=ada)

    with CaptureQueriesContext(connection) as queries:
        held.take_out(reader.subscriber)

    (query,) = queries.captured_queries
    assert "LIKE" not in query["sql"]
