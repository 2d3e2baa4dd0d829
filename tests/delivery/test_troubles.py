"""Times are written into the rows, and the database's own clock judges them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now

from delivery import control, preparation, recovery, troubles
from delivery.models import Alarm, Attempt, Batch, Delivery, Dispatch, MailerState
from newsletter import publishing
from newsletter.models import Issue
from tests import factories
from tests.delivery.engine import die_while_speaking, prepared, send, written

NEVER_TRIED = "127.0.0.1:1 refuses connections"


@pytest.fixture
def waiting(draft: Issue) -> Dispatch:
    """Goes out since an hour, and no worker has come."""
    return aged(prepared(draft), minutes=60)


def aged(dispatch: Dispatch, *, minutes: float) -> Dispatch:
    """As if everything about it had happened so long ago."""
    earlier = timedelta(minutes=minutes)
    Dispatch.objects.filter(pk=dispatch.pk).update(
        state_since=F("state_since") - earlier,
        started_at=F("started_at") - earlier,
        finished_at=F("finished_at") - earlier,
    )
    Attempt.objects.filter(batch__dispatch=dispatch).update(
        started_at=F("started_at") - earlier, ended_at=F("ended_at") - earlier
    )
    dispatch.refresh_from_db()
    return dispatch


def seen() -> list[tuple[str, datetime]]:
    return [(trouble.kind.value, trouble.since) for trouble in troubles.found()]


def ahead(minutes: float) -> Now:
    return Now() + timedelta(minutes=minutes)


def test_nothing_is_wrong_with_nothing(db: None) -> None:
    assert troubles.found() == []


def test_dispatch_that_nobody_takes_up_stands_still_after_five_minutes(draft: Issue) -> None:
    dispatch = aged(prepared(draft), minutes=4.9)
    early = seen()
    aged(dispatch, minutes=0.2)

    assert (early, seen()) == ([], [("stalled", dispatch.state_since)])


def test_dispatch_that_nobody_prepares_stands_still(draft: Issue) -> None:
    factories.readers(draft.newsletter, 1)
    dispatch = aged(preparation.start(draft), minutes=6)

    assert seen() == [("stalled", dispatch.state_since)]


def hold_dispatch(dispatch: Dispatch, until: Now) -> None:
    Dispatch.objects.filter(pk=dispatch.pk).update(not_before=until)


def hold_mailer(dispatch: Dispatch, until: Now) -> None:
    MailerState.objects.update_or_create(alias=dispatch.mailer, defaults={"not_before": until})


def hold_batches(dispatch: Dispatch, until: Now) -> None:
    Batch.objects.filter(dispatch=dispatch).update(not_before=until)


@pytest.mark.parametrize("hold", [hold_dispatch, hold_mailer, hold_batches])
def test_waiting_as_one_was_told_is_no_standstill_until_the_wait_is_over(
    waiting: Dispatch, hold: Callable[[Dispatch, Now], None]
) -> None:
    found = []
    for minutes in (30, -1, -6):
        hold(waiting, ahead(minutes))
        found.append([kind for kind, _since in seen()])

    assert found == [[], [], ["stalled"]]


def test_one_batch_that_may_go_is_enough_to_stand_still(waiting: Dispatch) -> None:
    Batch.objects.filter(dispatch=waiting, number=1).update(not_before=ahead(30))

    assert seen() == [("stalled", waiting.state_since)]


def test_batch_in_a_living_workers_hands_is_progress_and_in_a_dead_ones_is_not(waiting: Dispatch) -> None:
    Batch.objects.update(state=Batch.State.CLAIMED, lease_until=ahead(1))
    alive = seen()
    Batch.objects.update(lease_until=ahead(-1))

    assert (alive, seen()) == ([], [("stalled", waiting.state_since)])


def test_standstill_counts_from_the_last_hand_over(waiting: Dispatch, draft: Issue) -> None:
    attempt = written(waiting)
    Batch.objects.filter(pk=attempt.batch_id).update(state=Batch.State.DONE, lease_until=None)
    Attempt.objects.update(started_at=ahead(-9), ended_at=ahead(-4))
    moving = seen()
    Attempt.objects.update(ended_at=ahead(-7))

    assert (moving, seen()) == ([], [("stalled", Attempt.objects.get().ended_at)])


def test_going_on_after_a_long_pause_is_no_standstill(waiting: Dispatch) -> None:
    control.pause(waiting.pk)
    aged(waiting, minutes=60)

    control.resume(waiting.pk)

    assert seen() == []


def test_trying_again_and_again_in_vain_is_a_standstill_with_the_reason(waiting: Dispatch) -> None:
    attempt = written(waiting)
    Attempt.objects.filter(pk=attempt.pk).update(
        outcome=Attempt.Outcome.NOT_SENT, detail=NEVER_TRIED, ended_at=Now()
    )
    Batch.objects.update(state=Batch.State.READY, lease_until=None, not_before=ahead(3))

    (trouble,) = troubles.found()

    assert (trouble.kind, trouble.since, trouble.words) == ("stalled", waiting.state_since, NEVER_TRIED)


def test_readers_that_are_put_off_one_by_one_are_no_standstill(waiting: Dispatch) -> None:
    attempt = written(waiting)
    Attempt.objects.filter(pk=attempt.pk).update(outcome=Attempt.Outcome.NOT_SENT, ended_at=Now())
    aged(waiting, minutes=10)
    Batch.objects.update(state=Batch.State.READY, lease_until=None, not_before=ahead(3))

    assert seen() == []


def test_end_that_nobody_notes_is_a_standstill(waiting: Dispatch) -> None:
    Batch.objects.update(state=Batch.State.DONE)

    assert seen() == [("stalled", waiting.state_since)]


def test_doubts_that_wait_for_their_own_mailer_are_no_standstill(waiting: Dispatch, settings) -> None:
    settings.HAND_OVER = settings.HAND_OVER | {"fallback": settings.HAND_OVER["bulk"]}
    MailerState.objects.create(alias="bulk", broken_since=Now(), next_trial=ahead(1), reason="down")
    open_for_all = seen()
    Batch.objects.update(pinned_to="bulk")

    assert (open_for_all, seen()) == ([("stalled", waiting.state_since)], [])


def test_looking_does_not_take_the_one_trial_of_a_broken_mailer(waiting: Dispatch) -> None:
    MailerState.objects.create(alias="bulk", broken_since=Now(), next_trial=ahead(-6), reason="down")
    before = MailerState.objects.get()

    assert seen() == [("stalled", before.next_trial)]
    assert MailerState.objects.get().next_trial == before.next_trial


def test_pause_of_its_own_is_a_trouble_and_a_persons_is_none(waiting: Dispatch) -> None:
    control.pause(waiting.pk)
    by_hand = seen()
    Dispatch.objects.update(reason="Wrong key.")
    waiting.refresh_from_db()

    assert (by_hand, seen()) == ([], [("paused", waiting.state_since)])


def test_uncertain_readers_are_a_trouble_until_somebody_settles_them(by_smtp: Dispatch) -> None:
    batch = die_while_speaking(by_smtp)
    send_and_sweep(by_smtp)
    (trouble,) = troubles.found()
    uncertain = Delivery.objects.filter(batch=batch, state="uncertain")
    since = uncertain.values_list("settled_at", flat=True).first()

    assert (trouble.kind, trouble.since, trouble.readers) == ("uncertain", since, 10)
    control.settle_as_accepted(by_smtp.pk, expected=10, by="ada")
    assert troubles.found() == []


def test_uncertain_readers_of_long_ago_are_followed_while_an_alarm_is_open(by_smtp: Dispatch) -> None:
    die_while_speaking(by_smtp)
    send_and_sweep(by_smtp)
    aged(by_smtp, minutes=3 * 24 * 60)
    forgotten = seen()
    Alarm.objects.create(
        kind="uncertain", dispatch=by_smtp, issue=by_smtp.issue, text="…", since=by_smtp.started_at
    )

    assert (forgotten, [kind for kind, _since in seen()]) == ([], ["uncertain"])


def send_and_sweep(dispatch: Dispatch) -> None:
    recovery.recover()
    send(dispatch)


def test_issue_that_was_due_has_not_started_after_two_minutes(draft: Issue) -> None:
    found = []
    for minutes in (1.9, 2.1):
        Issue.objects.filter(pk=draft.pk).update(status="scheduled", scheduled_at=ahead(-minutes))
        found.append([kind for kind, _since in seen()])

    assert found == [[], ["not_started"]]


@pytest.mark.parametrize("kind", ["missed", "refused"])
def test_issue_back_in_draft_is_a_trouble_until_somebody_sees_to_it_or_for_a_day(
    draft: Issue, kind: str
) -> None:
    alarm = Alarm.objects.create(kind=kind, issue=draft, text="…", since=draft.created_at)
    fresh = seen()
    publishing.schedule(draft, at=draft.created_at + timedelta(days=365))
    scheduled = seen()
    publishing.unschedule(draft)
    Alarm.objects.filter(pk=alarm.pk).update(raised_at=ahead(-24.1 * 60))

    assert (fresh, scheduled, seen()) == ([(kind, alarm.since)], [], [])


def test_dispatches_that_are_done_cost_no_queries_of_their_own(
    by_smtp: Dispatch, django_assert_num_queries
) -> None:
    send(by_smtp)
    with django_assert_num_queries(5):
        one = troubles.found()
    for number in range(2):
        other = factories.issue(by_smtp.issue.newsletter, f"other-{number}")
        preparation.prepare(preparation.start(other).pk)
    for dispatch in Dispatch.objects.filter(state="sending"):
        send(dispatch)

    with django_assert_num_queries(5):
        three = troubles.found()

    assert (one, three) == ([], [])
