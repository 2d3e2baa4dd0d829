"""A second mailer takes over what was surely not handed over, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from config import mailers
from delivery import circuit, control
from delivery.models import Attempt, Delivery, Dispatch, MailerState
from newsletter.models import Issue
from tests.delivery.engine import READERS, one_at_a_time, only, prepared, send, states
from tests.fakes.client import Fake


@pytest.fixture
def second(settings: Any, mailgun: Fake) -> Iterator[Fake]:
    """Another account at another provider, as FALLBACK_MAILER_URL names one."""
    with Fake("mailgun", keep="all") as fake:
        mailer = mailers.parse(fake.mailer_url, name="FALLBACK_MAILER_URL")
        settings.MAILERS = {**settings.MAILERS, "fallback": mailer.as_setting()}
        settings.HAND_OVER = {
            **settings.HAND_OVER,
            "fallback": {"scheme": mailer.scheme, "batch_size": 10},
        }
        yield fake


def everybody(*fakes: Fake) -> Counter[str]:
    return sum((Counter(fake.counts()) for fake in fakes), Counter())


def test_second_mailer_takes_what_was_not_handed_over(
    draft: Issue, mailgun: Fake, second: Fake, settings: Any
) -> None:
    one_at_a_time(settings)
    dispatch = prepared(draft)
    mailgun.faults(error_every=2, error_status=403)

    balance = send(dispatch, rounds=2)

    assert states(balance) == only(accepted=READERS)
    assert (len(mailgun.counts()), len(second.counts())) == (10, 20)
    assert set(everybody(mailgun, second).values()) == {1}
    assert dispatch.state == Dispatch.State.SENT
    assert sorted(Attempt.objects.exclude(accepted=0).values_list("mailer", flat=True)) == [
        "bulk",
        "fallback",
        "fallback",
    ]
    broken = MailerState.objects.get(alias="bulk")
    assert broken.broken_since
    assert broken.reason


def test_doubts_stay_with_the_mailer_they_came_from(
    draft: Issue, mailgun: Fake, second: Fake, settings
) -> None:
    settings.HAND_OVER = {name: {**given, "batch_size": 3} for name, given in settings.HAND_OVER.items()}
    dispatch = prepared(draft)
    mailgun.faults(drop_every=1)  # taken, and no answer

    balance = send(dispatch, rounds=2)

    assert states(balance) == only(accepted=READERS - 15, uncertain=15)
    assert set(everybody(mailgun, second).values()) == {1}
    doubtful = Delivery.objects.filter(state="uncertain")
    assert set(doubtful.values_list("attempt__mailer", flat=True)) == {"bulk"}


def test_mailer_on_trial_gets_one_batch_and_takes_over_again_when_it_works(
    draft: Issue, mailgun: Fake, second: Fake
) -> None:
    dispatch = prepared(draft)
    circuit.give_way(dispatch.pk, "bulk", reason="401")
    MailerState.objects.update(next_trial="2020-01-01T00:00Z")

    ways = [circuit.route("bulk").alias for _ in range(3)]
    batch = dispatch.batches.first()
    circuit.works(
        Attempt.objects.create(batch=batch, fence=98, mailer="bulk", started_at="2020-01-01T00:00Z")
    )
    still = circuit.route("bulk").alias
    circuit.works(Attempt.objects.create(batch=batch, fence=99, mailer="bulk"))

    assert still == "fallback"
    assert ways == ["bulk", "fallback", "fallback"]
    assert circuit.route("bulk").alias == "bulk"


def test_when_both_do_not_work_the_dispatch_pauses_and_says_why(
    draft: Issue, mailgun: Fake, second: Fake
) -> None:
    dispatch = prepared(draft)
    for fake in (mailgun, second):
        fake.faults(error_every=1, error_status=401)

    balance = send(dispatch, rounds=2)

    assert states(balance) == only(pending=READERS)
    assert (dispatch.state, bool(dispatch.reason)) == (Dispatch.State.PAUSED, True)
    for fake in (mailgun, second):
        fake.faults()
    assert control.resume(dispatch.pk)
    assert states(send(dispatch)) == only(accepted=READERS)
    assert (len(mailgun.counts()), len(second.counts())) == (READERS, 0)


def test_mailer_that_only_asks_to_wait_is_waited_for(draft: Issue, mailgun: Fake, second: Fake) -> None:
    dispatch = prepared(draft)
    mailgun.faults(throttle_every=1, retry_after=1, times=1)

    send(dispatch, rounds=3)

    assert (len(mailgun.counts()), len(second.counts())) == (READERS, 0)
