from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from delivery import preparation, progress
from delivery.models import Attempt, Batch, Delivery
from newsletter.models import Issue
from tests import factories
from tests.delivery.ledgers import ledger

TALLY = {
    ("accepted", ""): 900,
    ("failed", "refused"): 2,
    ("skipped", "suppressed"): 10,
    ("skipped", "unsubscribed"): 5,
    ("uncertain", "no_answer"): 1,
    ("pending", ""): 80,
    ("in_flight", ""): 2,
}


def test_balance_adds_up_and_says_why() -> None:
    balance = progress.weigh(1000, TALLY)

    assert balance.adds_up
    assert (balance.percent, balance.settled) == (91, 918)
    assert balance.skipped_by_reason == {"suppressed": 10, "unsubscribed": 5}
    assert balance.failed_by_reason == {"refused": 2}
    assert balance.uncertain_by_reason == {"no_answer": 1}
    assert balance.line() == (
        "audience 1,000 = 900 accepted + 2 failed + 15 skipped + 1 uncertain + 2 in flight + 80 pending"
        "  (skipped: suppressed 10, unsubscribed 5; failed: refused 2; uncertain: no_answer 1)"
    )


def test_balance_notices_a_reader_who_is_not_accounted_for() -> None:
    assert not progress.weigh(1001, TALLY).adds_up


def test_a_stopped_issue_has_not_come_to_whom_the_stop_came_before() -> None:
    balance = progress.weigh(200, {("accepted", ""): 50, ("skipped", "stopped"): 150})

    assert (balance.percent, balance.stopped, balance.adds_up) == (25, 150, True)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (1234.4, "1,234 readers a second"),
        (1.2, "1 reader a second"),
        (0.4, "24 readers a minute"),
        (1 / 60, "1 reader a minute"),
        (0.0, ""),
    ],
)
def test_speed_is_said_as_people_say_it(rate: float, words: str) -> None:
    assert progress.speed(rate) == words


def test_every_reason_is_said_in_words() -> None:
    counts = dict.fromkeys(Delivery.Reason.values, 3)

    assert progress.reasons(counts) == [(label, 3) for label in Delivery.Reason.labels]


def test_dispatch_status_json_has_the_documented_form(draft: Issue) -> None:
    factories.cast(draft.newsletter)
    dispatch = preparation.start(draft)
    preparation.prepare(dispatch.pk)
    out = io.StringIO()

    call_command("dispatch_status", "--json", stdout=out)

    dispatch.refresh_from_db()
    assert json.loads(out.getvalue()) == [
        {
            "dispatch": dispatch.pk,
            "newsletter": "daily",
            "issue": "tides",
            "state": "sending",
            "to": "everyone",
            "after": None,
            "audience": 1,
            "pending": 1,
            "in_flight": 0,
            "accepted": 0,
            "failed": 0,
            "skipped": 0,
            "uncertain": 0,
            "skipped_by_reason": {},
            "failed_by_reason": {},
            "uncertain_by_reason": {},
            "waiting_for": [],
            "mailers": [],
            "started_at": dispatch.started_at.isoformat(),
            "finished_at": None,
        }
    ]


def test_rate_is_that_of_the_last_minutes(draft: Issue) -> None:
    dispatch = ledger(draft, accepted=20, failed=10, pending=10)
    now = timezone.now()
    Attempt.objects.filter(accepted=10).update(started_at=now - timedelta(seconds=10))
    Attempt.objects.filter(refused=10).update(started_at=now - timedelta(seconds=5))
    old = Attempt.objects.filter(accepted=10).first()
    Attempt.objects.filter(pk=old.pk).update(started_at=now - timedelta(hours=1))

    assert progress.rate(dispatch) == pytest.approx(20 / 10, rel=0.05)


def test_rate_of_a_dispatch_that_stands_still_is_nothing(draft: Issue) -> None:
    dispatch = ledger(draft, accepted=20, pending=10)
    Attempt.objects.update(started_at=timezone.now() - timedelta(hours=1))

    assert progress.rate(dispatch) == 0.0


def test_carried_says_which_mailer_took_how_many(draft: Issue, settings) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun"}, "fallback": {"scheme": "resend"}}
    dispatch = ledger(draft, accepted=25, failed=5)
    second = Batch.objects.get(dispatch=dispatch, number=2)
    Attempt.objects.filter(batch=second).update(mailer="fallback", repeats=2)

    assert progress.carried(dispatch) == [
        progress.Carried("bulk", accepted=15, refused=5, calls=3, repeats=0),
        progress.Carried("fallback", accepted=10, refused=0, calls=1, repeats=2),
    ]
    assert [each.name for each in progress.carried(dispatch)] == ["Mailgun", "Resend (the second mailer)"]
    assert progress.as_json(dispatch)["mailers"] == [
        {"mailer": "bulk", "provider": "mailgun", "accepted": 15, "refused": 5, "repeats": 0},
        {"mailer": "fallback", "provider": "resend", "accepted": 10, "refused": 0, "repeats": 2},
    ]


def test_carried_by_a_mailer_that_is_not_set_up_any_more_is_still_told(draft: Issue) -> None:
    dispatch = ledger(draft, accepted=3)
    Attempt.objects.update(mailer="fallback")

    assert [(each.name, each.accepted) for each in progress.carried(dispatch)] == [("fallback", 3)]
