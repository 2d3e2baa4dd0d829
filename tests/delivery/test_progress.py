from __future__ import annotations

import io
import json

from django.core.management import call_command

from delivery import preparation, progress
from delivery.models import Delivery
from newsletter.models import Issue
from tests import factories

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
    assert balance.line() == (
        "audience 1,000 = 900 accepted + 2 failed + 15 skipped + 1 uncertain + 2 in flight + 80 pending"
        "  (skipped: suppressed 10, unsubscribed 5)"
    )


def test_balance_notices_a_reader_who_is_not_accounted_for() -> None:
    assert not progress.weigh(1001, TALLY).adds_up


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
            "audience": 1,
            "pending": 1,
            "in_flight": 0,
            "accepted": 0,
            "failed": 0,
            "skipped": 0,
            "uncertain": 0,
            "skipped_by_reason": {},
            "failed_by_reason": {},
            "started_at": dispatch.started_at.isoformat(),
            "finished_at": None,
        }
    ]
