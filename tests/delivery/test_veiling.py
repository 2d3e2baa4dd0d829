"""No address stays in what providers said, whenever they said it."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from django.apps import apps

from delivery import recording, spool, veiling
from delivery.exceptions import AccountRefused, CallRefused, Transient
from delivery.messages import Receipt
from delivery.models import Attempt, Batch, Delivery, Dispatch, MailerState
from newsletter.models import Issue
from subscribers import lifecycle
from subscribers.models import Subscriber
from tests.delivery.engine import built, written
from tests.delivery.ledgers import ledger


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "400 'to' parameter is not a valid address: ada@example.com",
            "400 'to' parameter is not a valid address: a…@e….com",
        ),
        ("550 5.1.1 <Adam.B+x@Mail.Example.co.uk>: unknown", "550 5.1.1 <Ad…@M….uk>: unknown"),
        ("No such user: adam@example.com.", "No such user: ad…@e….com."),
        ('{"to":"o\'brien@example.com","n":1}', '{"to":"o\'…@e….com","n":1}'),
        ("'adam@example.com' and mailto:eve@example.org?", "'ad…@e….com' and mailto:e…@e….org?"),
        ('\\"adam@example.com\\"', '\\"ad…@e….com\\"'),
        ("адам@пример.рф und müller@bücher.example", "ад…@п….рф und mü…@b….example"),
        (
            "'From' desk@daily.example is not yours, ada@x.com",
            "'From' desk@daily.example is not yours, a…@x….com",
        ),
        ("From DESK@daily.example.", "From DESK@daily.example."),
        ("meet @ noon, 5@ and @you", "meet @ noon, 5@ and @you"),
        ("nothing of the kind", "nothing of the kind"),
    ],
)
def test_words_tell_who_is_meant_but_not_the_address(said: str, kept: str) -> None:
    once = veiling.veiled(said, keep="desk@daily.example")

    assert once == kept
    assert veiling.veiled(once, keep="desk@daily.example") == kept


def test_message_ids_stay_and_nothing_is_asked_without_need() -> None:
    receipt = Receipt(accepted={1: "<7.ada@mail.example>"}, refused={2: "no"})

    def sender() -> str:
        raise AssertionError("There is no address in any word.")

    assert veiling.storable(receipt, sender=sender) is receipt
    assert veiling.storable(Receipt(accepted={1: "<é@x>"}), sender=sender).accepted == {
        1: "<?@x>".replace("?", "é")
    }


def everything_said() -> str:
    rows = [
        *Delivery.objects.values_list("detail", flat=True),
        *Attempt.objects.values_list("detail", flat=True),
        *Dispatch.objects.values_list("reason", flat=True),
        *(words for row in MailerState.objects.values_list("reason", "waiting_for") for words in row),
    ]
    return " ".join(rows)


WORDS = "400 not a valid address: reader0@example.com (from {sender})"


@pytest.mark.parametrize(
    "make",
    [
        lambda ids, words: Receipt(refused=dict.fromkeys(ids, words)),
        lambda ids, words: Receipt(uncertain=dict.fromkeys(ids, words)),
        lambda ids, words: Receipt(deferred=dict.fromkeys(ids, words)),
        lambda ids, words: Receipt(stopped_by=CallRefused(words)),
        lambda ids, words: Receipt(stopped_by=AccountRefused(words)),
        lambda ids, words: Receipt(stopped_by=Transient(words, retry_after=60.0)),
    ],
)
def test_answer_is_written_without_addresses_and_with_the_sender(by_mailgun: Dispatch, make: Any) -> None:
    attempt = written(by_mailgun)
    Batch.objects.update(tries=99)
    attempt.batch.tries = 99
    ids = list(Delivery.objects.of(attempt).values_list("pk", flat=True))
    sender = by_mailgun.sender.rpartition("<")[2].rstrip(">")
    lifecycle.erase(Subscriber.objects.get(email="reader0@example.com"))  # their mail is on its way

    recording.record(attempt.batch, attempt, make(ids, WORDS.format(sender=sender)))

    said = everything_said()
    assert "reader0@" not in said
    assert f"re…@e….com (from {sender})" in said


def test_answer_that_was_kept_on_disk_is_written_without_addresses(
    by_mailgun: Dispatch, settings: Any, tmp_path: Any
) -> None:
    settings.DATA_DIR = tmp_path
    attempt = written(by_mailgun)
    first, *rest = Delivery.objects.of(attempt).values_list("pk", flat=True)
    receipt = Receipt(
        accepted=dict.fromkeys(rest, "<1@mail.example>"), refused={first: "550 <reader0@example.com>"}
    )
    spool.keep(attempt.batch, attempt, receipt, leaves_some=False)
    lifecycle.erase(Subscriber.objects.get(email="reader0@example.com"))

    spool.bring_in()

    row = Delivery.objects.get(pk=first)
    assert (row.state, row.detail, row.subscription_id) == ("failed", "550 <re…@e….com>", None)
    assert set(Delivery.objects.filter(pk__in=rest).values_list("provider_id", flat=True)) == {
        "<1@mail.example>"
    }


def test_batch_that_cannot_be_made_ready_tells_no_address(by_mailgun: Dispatch) -> None:
    attempt, _ = built(by_mailgun)

    recording.hand_back(attempt.batch, AccountRefused("421 <reader0@example.com> is not yours"))

    by_mailgun.refresh_from_db()
    assert by_mailgun.reason == "421 <re…@e….com> is not yours"


def test_words_from_before_lose_their_addresses(draft: Issue) -> None:
    """As the migration does, once."""
    dispatch = ledger(draft, failed=2, accepted=1)
    Delivery.objects.filter(state="failed").update(detail="550 <ada@example.com>", subscription=None)
    batch = Batch.objects.filter(dispatch=dispatch).first()
    Attempt.objects.create(batch=batch, fence=9, outcome="not_sent", detail="400 'to': ada@example.com")
    migration = importlib.import_module("delivery.migrations.0007_readers")

    migration.veil(apps, None)

    assert "ada@" not in everything_said()
    assert set(Delivery.objects.filter(state="failed").values_list("detail", flat=True)) == {
        "550 <a…@e….com>"
    }
    assert Attempt.objects.get(fence=9).detail == "400 'to': a…@e….com"
