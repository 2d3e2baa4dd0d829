"""Of a reader who is deleted nothing stays in the test mails that were filled in for them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from delivery import held, proofing
from delivery.exceptions import AccountRefused, Transient
from delivery.messages import Receipt
from delivery.models import Proof
from newsletter.models import Issue
from subscribers import lifecycle
from subscribers.models import Subscriber, Subscription
from tests import factories
from tests.delivery.proofing.mails import State, sent
from tests.fakes.client import Fake

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


def test_deleting_some_people_reads_the_tests_once(letter: Issue, ada: User, reader: Subscription) -> None:
    for number in range(20):
        proofing.ask(letter, addresses=[f"desk{number}@example.com"], by=ada)

    with CaptureQueriesContext(connection) as queries:
        held.take_out([reader.subscriber] * 3)

    (query,) = queries.captured_queries
    assert "LIKE" not in query["sql"]


def test_deleting_nobody_reads_no_tests(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        held.take_out([])
