from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from delivery import control, following, recording
from delivery.messages import Receipt
from delivery.models import Attempt, Batch, Delivery, Dispatch
from newsletter.models import Issue
from subscribers import lifecycle
from tests import factories
from tests.delivery.engine import send
from tests.delivery.ledgers import counts, ledger

FAILED, UNCERTAIN = 23, 12
WORDS = {"subject": "Corrected", "note": "It is at ten."}
STORY = {"accepted": 15, "failed": FAILED, "uncertain": UNCERTAIN, "skipped": 2}


def batches(dispatch: Dispatch, *, cause: str) -> list[tuple[int, str, int]]:
    """(number, state, readers) of the batches that were made for this."""
    found = Batch.objects.filter(dispatch=dispatch, cause=cause).order_by("number")
    return [(batch.number, batch.state, batch.deliveries.count()) for batch in found]


@pytest.mark.parametrize(
    ("before", "after"), [("sending", "sending"), ("paused", "paused"), ("sent", "sending")]
)
def test_retry_puts_exactly_the_failed_into_new_batches_and_once(
    draft: Issue, before: str, after: str
) -> None:
    dispatch = ledger(draft, state=before, **STORY)

    pressed = [control.retry_failed(dispatch.pk), control.retry_failed(dispatch.pk)]

    assert pressed == [FAILED, 0]
    assert counts(dispatch) == {
        "pending": FAILED,
        **{name: STORY[name] for name in STORY if name != "failed"},
    }
    assert batches(dispatch, cause="retry") == [(7, "ready", 10), (8, "ready", 10), (9, "ready", 3)]
    assert (dispatch.state, dispatch.finished_at) == (after, None)
    waiting = Delivery.objects.filter(state="pending")
    assert set(waiting.values_list("reason", "detail", "attempt", "settled_at")) == {("", "", None, None)}


def test_retry_of_a_stopped_dispatch_is_refused_and_changes_nothing(draft: Issue) -> None:
    dispatch = ledger(draft, state="stopped", **STORY)

    with pytest.raises(control.Refused, match="stopped for good"):
        control.retry_failed(dispatch.pk)

    assert counts(dispatch) == STORY
    assert dispatch.state == "stopped"
    assert not batches(dispatch, cause="retry")


def test_retry_of_a_dispatch_where_nobody_failed_has_nothing_to_do(draft: Issue) -> None:
    dispatch = ledger(draft, state="stopped", accepted=3)

    assert control.retry_failed(dispatch.pk) == 0


@pytest.mark.parametrize("state", Dispatch.State.values[1:])
def test_uncertain_settled_as_accepted_say_by_whom_and_once(draft: Issue, state: str) -> None:
    dispatch = ledger(draft, state=state, **STORY)
    doubtful = list(Delivery.objects.filter(state="uncertain").values_list("pk", flat=True))

    pressed = [control.settle_as_accepted(dispatch.pk, expected=UNCERTAIN, by="ada") for _ in range(2)]

    assert pressed == [UNCERTAIN, 0]
    assert counts(dispatch) == {"accepted": 15 + UNCERTAIN, "failed": FAILED, "skipped": 2}
    assert dispatch.state == state
    today = timezone.now().date().isoformat()
    settled = Delivery.objects.filter(pk__in=doubtful)
    assert set(settled.values_list("state", "reason", "detail")) == {
        ("accepted", "", f"settled as accepted by ada, {today}")
    }


@pytest.mark.parametrize(
    ("before", "after"), [("sending", "sending"), ("paused", "paused"), ("sent", "sending")]
)
def test_uncertain_are_sent_again_in_batches_of_their_own_and_once(
    draft: Issue, before: str, after: str
) -> None:
    dispatch = ledger(draft, state=before, **STORY)

    pressed = [control.send_again(dispatch.pk, expected=UNCERTAIN) for _ in range(2)]

    assert pressed == [UNCERTAIN, 0]
    assert counts(dispatch) == {"pending": UNCERTAIN, "accepted": 15, "failed": FAILED, "skipped": 2}
    assert batches(dispatch, cause="again") == [(7, "ready", 10), (8, "ready", 2)]
    assert (dispatch.state, dispatch.finished_at) == (after, None)


def settle(dispatch: Dispatch, *, expected: int) -> int:
    return control.settle_as_accepted(dispatch.pk, expected=expected, by="ada")


def again(dispatch: Dispatch, *, expected: int) -> int:
    return control.send_again(dispatch.pk, expected=expected)


@pytest.mark.parametrize("press", [settle, again])
@pytest.mark.parametrize("expected", [0, 1, UNCERTAIN - 1, UNCERTAIN + 1])
def test_another_count_than_was_seen_is_refused_and_changes_nothing(
    draft: Issue, press: Callable[..., int], expected: int
) -> None:
    dispatch = ledger(draft, state="sent", **STORY)

    with pytest.raises(control.Refused) as refused:
        press(dispatch, expected=expected)

    assert str(refused.value) == f"It is now 12 readers, not {expected}. Look again; nothing was changed."
    assert counts(dispatch) == STORY
    assert dispatch.state == "sent"
    assert not batches(dispatch, cause="again")


def test_uncertain_of_a_stopped_dispatch_are_not_sent_it_again(draft: Issue) -> None:
    dispatch = ledger(draft, state="stopped", **STORY)

    with pytest.raises(control.Refused, match="stopped for good"):
        control.send_again(dispatch.pk, expected=UNCERTAIN)

    assert counts(dispatch) == STORY


@pytest.mark.parametrize("press", [settle, again])
def test_uncertain_in_a_batch_that_is_in_flight_again_are_left_alone(
    draft: Issue, press: Callable[..., int]
) -> None:
    dispatch = ledger(draft, accepted=2, uncertain=12, pending=1)
    busy = Batch.objects.filter(dispatch=dispatch, number=1)
    busy.update(state="submitting", lease_until=timezone.now())

    changed = press(dispatch, expected=4)  # those of the second batch
    with pytest.raises(control.Refused, match="being handed over at this moment"):
        press(dispatch, expected=8)

    assert changed == 4
    assert Delivery.objects.filter(state="uncertain", batch__number=1).count() == 8
    assert counts(dispatch)["uncertain"] == 8


@pytest.mark.parametrize(("press", "state"), [(settle, "accepted"), (again, "pending")])
def test_answer_that_comes_after_a_person_has_settled_it_changes_nothing(
    draft: Issue, press: Callable[..., int], state: str
) -> None:
    dispatch = ledger(draft, state="sent", uncertain=3)
    attempt = Attempt.objects.select_related("batch").get()
    readers = list(Delivery.objects.values_list("pk", flat=True))
    press(dispatch, expected=3)
    before = counts(dispatch)

    recording.record(attempt.batch, attempt, Receipt(refused=dict.fromkeys(readers, "550 no")))

    assert before == counts(dispatch) == {state: 3}


def test_who_left_between_failing_and_the_retry_is_skipped(draft: Issue, mailgun) -> None:
    dispatch = ledger(draft, state="sent", accepted=2, failed=5)
    gone = Delivery.objects.filter(state="failed").select_related("subscription__subscriber").first()
    lifecycle.unsubscribe(gone.subscription)

    control.retry_failed(dispatch.pk)
    send(dispatch)

    gone.refresh_from_db()
    assert counts(dispatch) == {"accepted": 6, "skipped": 1}
    assert (dispatch.state, mailgun.seen()["mails"]) == ("sent", 4)
    assert (gone.state, gone.reason) == ("skipped", "unsubscribed")


def test_paused_dispatch_keeps_who_is_tried_again_until_it_goes_on(draft: Issue, mailgun) -> None:
    dispatch = ledger(draft, state="paused", accepted=2, failed=5)

    control.retry_failed(dispatch.pk)
    send(dispatch)
    while_paused = counts(dispatch)
    control.resume(dispatch.pk)
    send(dispatch)

    assert while_paused == {"accepted": 2, "pending": 5}
    assert counts(dispatch) == {"accepted": 7}
    assert (dispatch.state, mailgun.seen()["mails"]) == ("sent", 5)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("sending", [True, False, True, False, True, False]),
        ("paused", [False, False, True, False, True, False]),
        ("sent", [False] * 6),
        ("stopped", [False] * 6),
    ],
)
def test_pause_resume_and_stop_say_whether_they_did_something(
    draft: Issue, before: str, expected: list[bool]
) -> None:
    dispatch = ledger(draft, state=before, accepted=3, **({"pending": 3} if True in expected else {}))

    pressed = [
        press(dispatch.pk) for press in (control.pause, control.resume, control.stop) for _ in range(2)
    ]

    assert pressed == expected
    assert sum(counts(dispatch).values()) == dispatch.audience_size


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("before", "press", "results"),
    [
        ("sent", lambda pk: control.retry_failed(pk), [0, FAILED]),
        ("sent", lambda pk: control.settle_as_accepted(pk, expected=UNCERTAIN, by="ada"), [0, UNCERTAIN]),
        ("sent", lambda pk: control.send_again(pk, expected=UNCERTAIN), [0, UNCERTAIN]),
        ("sending", control.pause, [False, True]),
        ("paused", control.resume, [False, True]),
        ("sending", control.stop, [False, True]),
    ],
)
def test_two_who_press_at_once_do_it_once(
    before: str, press: Callable[[int], Any], results: list[Any]
) -> None:
    dispatch = ledger(factories.issue(factories.newsletter()), state=before, **STORY)
    together = threading.Barrier(2)

    def person(_: int) -> Any:
        try:
            together.wait(10)
            return press(dispatch.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as people:
        pressed = sorted(people.map(person, range(2)))

    assert pressed == results
    assert sum(counts(dispatch).values()) == sum(STORY.values())
    made = Batch.objects.filter(dispatch=dispatch).exclude(cause="")
    assert sum(batch.deliveries.count() for batch in made) == counts(dispatch).get("pending", 0)


@pytest.mark.django_db(transaction=True)
def test_retry_while_the_last_worker_closes_the_dispatch_leaves_nobody_behind() -> None:
    dispatch = ledger(factories.issue(factories.newsletter()), accepted=2, failed=5)
    retried, closing = threading.Event(), threading.Event()

    def worker() -> None:
        try:
            retried.wait(10)
            closing.set()
            recording.finish(dispatch.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as workers:
        working = workers.submit(worker)
        with transaction.atomic():
            control.retry_failed(dispatch.pk)
            retried.set()
            closing.wait(10)
            retried.clear()
            retried.wait(0.3)  # time enough for the worker to look, and to come to our lock
        working.result(30)

    assert counts(dispatch) == {"accepted": 2, "pending": 5}
    assert dispatch.state == "sending"


@pytest.mark.parametrize("name", ["failed", "uncertain"])
def test_what_was_corrected_goes_to_nobody_as_it_was(draft: Issue, name: str) -> None:
    first = ledger(draft, state="sent", accepted=5, **{name: 3})
    ada = User.objects.create_superuser("ada")
    following.start_correction(
        first, approved=first.content_hash, expected=following.readers(first)["correction"], by=ada, **WORDS
    )

    with pytest.raises(control.Refused, match="has been corrected"):
        control.retry_failed(first.pk) if name == "failed" else control.send_again(first.pk, expected=3)

    assert counts(first) == {"accepted": 5, name: 3}
