from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from delivery import waiting
from delivery.models import Attempt, Batch, Dispatch, MailerState
from newsletter.models import Issue
from tests.delivery.ledgers import ledger

NOW = datetime(2026, 11, 22, 7, 5, tzinfo=UTC)
SOON = NOW + timedelta(minutes=7)


@pytest.fixture(autouse=True)
def two_mailers(settings: Any) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun"}, "fallback": {"scheme": "postmark"}}


def waits(dispatch: Dispatch) -> list[str]:
    dispatch.refresh_from_db()
    return waiting.waits(dispatch, now=NOW)


def test_nothing_holds_up_a_dispatch_that_goes_out(draft: Issue) -> None:
    assert waits(ledger(draft, accepted=3, pending=3)) == []


def test_mailer_that_does_not_work_is_named_with_its_reason_and_who_takes_over(draft: Issue) -> None:
    dispatch = ledger(draft, pending=3)
    MailerState.objects.create(alias="bulk", broken_since=NOW - timedelta(minutes=3), reason="401 Forbidden")

    assert waits(dispatch) == [
        "Mailgun does not work since 07:02 UTC: 401 Forbidden. The rest goes by Postmark (the second mailer)."
    ]
    assert waiting.in_use(dispatch) == "fallback"


def test_mailer_that_does_not_work_and_has_no_second(draft: Issue, settings) -> None:
    settings.HAND_OVER = {"bulk": {"scheme": "mailgun"}}
    dispatch = ledger(draft, pending=3)
    MailerState.objects.create(alias="bulk", broken_since=NOW - timedelta(days=1), reason="401 Forbidden")

    assert waits(dispatch) == ["Mailgun does not work since 21 Nov, 07:05 UTC: 401 Forbidden"]
    assert waiting.in_use(dispatch) == "bulk"


def test_mailer_that_asked_everybody_to_wait(draft: Issue) -> None:
    dispatch = ledger(draft, pending=3)
    MailerState.objects.create(alias="bulk", not_before=SOON, waiting_for="429 Too Many Requests")

    assert waits(dispatch) == ["Mailgun is given a rest until 07:12 UTC: 429 Too Many Requests"]


def test_wait_that_is_over_is_not_told(draft: Issue) -> None:
    dispatch = ledger(draft, pending=3)
    MailerState.objects.create(alias="bulk", not_before=NOW, waiting_for="429 Too Many Requests")
    Dispatch.objects.update(not_before=NOW, reason="The allowance of 100 readers an hour is used up.")

    assert waits(dispatch) == []


def test_allowance_that_is_used_up_says_when_it_goes_on(draft: Issue) -> None:
    dispatch = ledger(draft, pending=3)
    Dispatch.objects.update(not_before=SOON, reason="The allowance of 100 readers an hour is used up.")

    with timezone.override("Europe/Berlin"):
        found = waits(dispatch)

    assert found == ["The allowance of 100 readers an hour is used up. It goes on at 08:12 CET."]


def test_call_in_doubt_is_told_while_its_provider_is_asked_again(draft: Issue) -> None:
    dispatch = ledger(draft, in_flight=2, pending=8)
    Batch.objects.update(pinned_to="bulk", not_before=SOON)

    assert waits(dispatch) == [
        "Mailgun gave no answer about 2 readers; it is asked again with the same key, so nobody gets it twice."
    ]


def test_hand_over_that_did_not_take_place_says_why_and_when_it_is_tried_again(draft: Issue) -> None:
    dispatch = ledger(draft, pending=3)
    Batch.objects.update(not_before=SOON)
    without_words = waits(dispatch)
    Attempt.objects.create(
        batch=Batch.objects.get(), fence=1, outcome="not_sent", detail="connection refused", readers=0
    )

    assert without_words == ["The next hand-over is tried at 07:12 UTC."]
    assert waits(dispatch) == [
        "The last hand-over did not take place: connection refused. Tried again at 07:12 UTC."
    ]


@pytest.mark.parametrize("state", ["paused", "stopped", "sent"])
def test_dispatch_that_does_not_go_out_waits_for_nothing(draft: Issue, state: str) -> None:
    dispatch = ledger(draft, state=state, accepted=3)
    MailerState.objects.create(alias="bulk", not_before=SOON, waiting_for="429")

    assert waits(dispatch) == []


@pytest.mark.parametrize(
    ("alias", "scheme", "name"),
    [
        ("bulk", "ses", "Amazon SES"),
        ("bulk", "outbox", "the local outbox"),
        ("bulk", "smtps", "the SMTP server mail.example.com"),
        ("fallback", "mailgun", "Mailgun (the second mailer)"),
    ],
)
def test_mailer_is_called_as_people_call_it(settings, alias: str, scheme: str, name: str) -> None:
    settings.HAND_OVER = {alias: {"scheme": scheme}}
    settings.MAILERS = {alias: {"BACKEND": "", "OPTIONS": {"host": "mail.example.com"}}}

    assert waiting.mailer_name(alias) == name
