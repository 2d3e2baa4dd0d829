from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from delivery import circuit, control, following, preparation, recovery, submission
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Batch, Delivery, Dispatch
from newsletter import faces
from newsletter.models import Issue
from subscribers.models import Subscriber, Subscription, Suppression
from tests import factories
from tests.delivery.engine import READERS, die_while_speaking, only, send, states, wait_no_longer
from tests.delivery.ledgers import counts, ledger
from tests.fakes.client import Fake

REST, CORRECTION = Dispatch.Audience.REST, Dispatch.Audience.CORRECTION


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_superuser("ada")


def stopped(draft: Issue, **readers: int) -> Dispatch:
    dispatch = ledger(draft, **readers)
    control.stop(dispatch.pk)
    dispatch.refresh_from_db()
    return dispatch


def mend(issue: Issue, body: str = "<p>Good morning. The tide is high at ten.</p>") -> None:
    issue.body = body
    issue.save()


def rest(before: Dispatch, by: User) -> Dispatch:
    return begun(
        following.start_rest(
            before,
            approved=faces.fingerprint(before.issue),
            expected=following.readers(before)[REST],
            by=by,
        )
    )


def correction(before: Dispatch, by: User, *, subject: str = "Corrected: Tides", note: str = "") -> Dispatch:
    return begun(
        following.start_correction(
            before,
            approved=faces.fingerprint(before.issue),
            expected=following.readers(before)[CORRECTION],
            by=by,
            subject=subject,
            note=note,
        )
    )


def begun(dispatch: Dispatch) -> Dispatch:
    preparation.prepare(dispatch.pk)
    dispatch.refresh_from_db()
    return dispatch


def readers_of(dispatch: Dispatch, *states: str) -> set[int]:
    rows = Delivery.objects.filter(dispatch=dispatch, state__in=states)
    return {pk for pk in rows.values_list("subscription_id", flat=True) if pk}


def test_the_rest_is_whom_the_stopped_dispatch_did_not_reach(draft: Issue, ada: User) -> None:
    first = stopped(draft, accepted=5, uncertain=2, failed=1, skipped=3, pending=12)
    mend(first.issue)

    second = rest(first, ada)

    assert counts(first) == {"accepted": 5, "uncertain": 2, "failed": 1, "skipped": 15}
    assert counts(second) == {"pending": 13}
    assert readers_of(second, "pending").isdisjoint(readers_of(first, "accepted", "uncertain"))
    assert readers_of(first, "failed") <= readers_of(second, "pending")
    assert ("high at ten" in second.html, "high at ten" in first.html) == (True, False)
    assert (second.subject, second.after_id, second.started_by) == (first.subject, first.pk, ada)


def test_whoever_has_gone_since_is_skipped_and_the_sum_adds_up(draft: Issue, ada: User) -> None:
    first = stopped(draft, accepted=1, pending=12)
    gone = Subscription.objects.filter(deliveries__state="skipped").order_by("pk")
    left, paused, suppressed, erased = gone[:4]
    Subscription.objects.filter(pk=left.pk).update(status="unsubscribed", unsubscribed_at=timezone.now())
    Subscription.objects.filter(pk=paused.pk).update(
        status="paused", paused_until=timezone.now() + timedelta(days=1)
    )
    Suppression.objects.create(address_key=suppressed.subscriber.address_key, reason="complaint")
    Subscriber.objects.get(pk=erased.subscriber_id).delete()

    second = rest(first, ada)

    rows = Delivery.objects.filter(dispatch=second, state="skipped").values_list("reason", flat=True)
    assert sorted(rows) == ["erased", "paused", "suppressed", "unsubscribed"]
    assert (counts(second), second.audience_size) == ({"pending": 8, "skipped": 4}, 12)


def test_the_rest_may_be_stopped_and_has_a_rest_of_its_own(draft: Issue, ada: User) -> None:
    first = stopped(draft, accepted=4, pending=25)
    second = rest(first, ada)
    control.stop(second.pk)
    second.refresh_from_db()

    third = rest(second, ada)

    assert (counts(second), counts(third)) == ({"skipped": 25}, {"pending": 25})
    assert readers_of(third, "pending") == readers_of(second, "skipped")


def test_everybody_gets_it_once_over_all_of_them(by_mailgun: Dispatch, mailgun: Fake, ada: User) -> None:
    Batch.objects.filter(number=3).update(not_before=timezone.now() + timedelta(hours=1))
    submission.send_for(by_mailgun.pk, seconds=1)
    control.stop(by_mailgun.pk)
    by_mailgun.refresh_from_db()
    second = rest(by_mailgun, ada)
    wait_no_longer()

    send(second, rounds=2)

    first_part, second_part = readers_of(by_mailgun, "accepted"), readers_of(second, "accepted")
    assert 0 < len(first_part) < READERS
    assert (len(first_part) + len(second_part), first_part & second_part) == (READERS, set())
    assert (mailgun.seen()["recipients"], mailgun.seen()["duplicates"]) == (READERS, 0)


def test_a_correction_goes_to_whom_the_first_may_have_reached(draft: Issue, ada: User) -> None:
    first = stopped(draft, accepted=5, uncertain=2, failed=1, pending=12)
    mend(first.issue)

    second = correction(first, ada, note="Low water is at <four>.\n\nWe are sorry.")

    assert readers_of(second, "pending") == readers_of(first, "accepted", "uncertain")
    assert (second.subject, second.note) == ("Corrected: Tides", "Low water is at <four>.\n\nWe are sorry.")
    assert "Low water is at &lt;four&gt;.</p>" in second.html
    assert "| Correction\n|\n| Low water is at <four>.\n|\n| We are sorry.\n" in second.text


def test_the_rest_of_a_correction_is_a_correction_still(draft: Issue, ada: User) -> None:
    first = stopped(draft, accepted=15, pending=3)
    second = correction(first, ada, note="It was four.")
    control.stop(second.pk)
    second.refresh_from_db()

    third = rest(second, ada)

    assert (third.audience, third.subject, third.note) == (REST, "Corrected: Tides", "It was four.")
    assert readers_of(third, "pending") == readers_of(first, "accepted")


def test_nothing_leaves_before_the_minute_is_over(
    draft: Issue, mailgun: Fake, by_mailgun: Dispatch, ada: User
) -> None:
    control.stop(by_mailgun.pk)
    by_mailgun.refresh_from_db()
    second = rest(by_mailgun, ada)

    submission.send_for(second.pk, seconds=1)

    left = Batch.objects.filter(dispatch=second).values_list("not_before", flat=True)
    assert counts(second) == {"pending": 30}
    assert all(moment and moment > timezone.now() + timedelta(seconds=30) for moment in left)


def test_of_two_clicks_one_begins(draft: Issue, ada: User) -> None:
    first = stopped(draft, accepted=1, pending=2)
    second = rest(first, ada)

    with pytest.raises(AlreadyDispatched) as earlier:
        rest(first, ada)

    assert earlier.value.dispatch_id == second.pk
    assert Dispatch.objects.count() == 2


@pytest.mark.parametrize("state", ["sending", "paused"])
def test_it_must_have_ended_first(draft: Issue, ada: User, state: str) -> None:
    first = ledger(draft, state=state, accepted=1, pending=2)

    with pytest.raises(CannotStart, match="has not ended"):
        correction(first, ada)

    assert Dispatch.objects.count() == 1


def test_it_waits_until_the_stop_is_through(draft: Issue, ada: User) -> None:
    first = stopped(draft, accepted=1, pending=2)
    Batch.objects.filter(dispatch=first).update(state="ready")

    with pytest.raises(CannotStart, match="still being settled"):
        rest(first, ada)

    assert Dispatch.objects.count() == 1


def test_what_was_not_seen_is_not_sent(draft: Issue, ada: User) -> None:
    first = stopped(draft, accepted=1, pending=2)

    with pytest.raises(CannotStart, match="has been changed"):
        following.start_rest(first, approved="0" * 64, expected=2, by=ada)
    with pytest.raises(CannotStart, match="now 2 readers, not 3"):
        following.start_rest(first, approved=faces.fingerprint(first.issue), expected=3, by=ada)

    assert Dispatch.objects.count() == 1


def test_whoever_wrote_the_last_word_does_not_send_it_where_two_must(draft: Issue, ada: User) -> None:
    first = stopped(draft, accepted=1, pending=2)
    first.issue.newsletter.needs_second_person = True
    first.issue.newsletter.save()
    first.issue.edited_by = ada
    first.issue.save()

    with pytest.raises(CannotStart, match="second person"):
        rest(first, ada)

    assert rest(first, User.objects.create_superuser("bob")).audience_size == 2


def test_the_uncertain_of_a_rest_are_settled_like_any(draft: Issue, ada: User) -> None:
    second = rest(stopped(draft, accepted=1, pending=2), ada)
    wait_no_longer()
    die_while_speaking(second)
    recovery.recover()

    readers = control.send_again(second.pk, expected=2)
    balance = send(second, rounds=2)

    assert (readers, states(balance), second.state) == (2, only(accepted=2), "sent")


@pytest.mark.django_db(transaction=True)
def test_correction_beside_a_retry_of_the_failed_comes_after_it() -> None:
    first = ledger(factories.issue(factories.newsletter()), state="sent", accepted=5, failed=3)
    seen = {"approved": first.content_hash, "expected": 5, "subject": "Corrected", "note": "It is at ten."}
    ada, pressing = User.objects.create_superuser("ada"), threading.Event()

    def correct() -> str:
        try:
            pressing.set()
            return str(following.start_correction(first, by=ada, **seen))
        except CannotStart as problem:
            return str(problem)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as people:
        with transaction.atomic():
            control.retry_failed(first.pk)
            answer = people.submit(correct)
            pressing.wait(10)
            pressing.clear()
            pressing.wait(0.3)  # time enough to look at it, and to come to our lock
        words = answer.result(30)

    assert words == "It has not ended. Stop it first, or wait until it has gone out."
    assert (Dispatch.objects.count(), counts(first)) == (1, {"accepted": 5, "pending": 3})


@pytest.mark.parametrize("happens", ["mailer tried again", "paused and gone on"])
def test_the_minute_stays_whatever_one_presses_in_it(
    draft: Issue, mailgun: Fake, by_mailgun: Dispatch, ada: User, happens: str
) -> None:
    control.stop(by_mailgun.pk)
    by_mailgun.refresh_from_db()
    second = rest(by_mailgun, ada)
    browser = Client()
    browser.force_login(ada)

    if happens == "mailer tried again":
        circuit.close("bulk")
    else:
        assert (control.pause(second.pk), control.resume(second.pk)) == (True, True)
    submission.send_for(second.pk, seconds=1)

    page = browser.get(f"/admin/delivery/watch/{second.pk}/").text
    assert counts(second) == {"pending": 30}
    assert ("Take it back" in page, "The next hand-over is tried at" in page) == (True, True)
