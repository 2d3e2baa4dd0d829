"""Sending as the wake-ups do it, step by step, for tests of the engine."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models.functions import Now

from delivery import doubts, gateway, loading, preparation, progress, submission
from delivery.models import Attempt, Batch, Dispatch, MailerState
from tests import factories

if TYPE_CHECKING:
    from delivery.messages import Recipient
    from delivery.progress import Balance
    from newsletter.models import Issue

READERS = 30


def prepared(draft: Issue) -> Dispatch:
    factories.readers(draft.newsletter, READERS)
    dispatch = preparation.start(draft)
    preparation.prepare(dispatch.pk)
    dispatch.refresh_from_db()
    return dispatch


def one_at_a_time(settings: Any) -> None:
    """While the provider answers slowly, several hand-overs are on their way at once: here none is, when one is
    refused."""
    alone = settings.HAND_OVER["bulk"] | {"concurrency": 1}
    settings.HAND_OVER = settings.HAND_OVER | {"bulk": alone}


def send(dispatch: Dispatch, *, rounds: int = 1) -> Balance:
    """As the wake-ups do; between rounds, waits are over and so are leases."""
    for _ in range(rounds):
        submission.send_for(dispatch.pk, seconds=30)
        wait_no_longer()
    dispatch.refresh_from_db()
    balance = progress.balance(dispatch)
    assert balance.adds_up
    return balance


def only(**counts: int) -> dict[str, int]:
    return dict.fromkeys(("pending", "in_flight", "accepted", "failed", "skipped", "uncertain"), 0) | counts


def states(balance: Balance) -> dict[str, int]:
    return {name: getattr(balance, name) for name in only()}


def wait_no_longer() -> None:
    """Every time that somebody waits for has come."""
    Batch.objects.update(not_before=None)
    Dispatch.objects.update(not_before=None)
    MailerState.objects.update(not_before=None)


def built(dispatch: Dispatch, *, with_key: bool = False) -> tuple[Attempt, list[Recipient]]:
    """A claimed batch, everything up to the write-ahead."""
    work = loading.load(dispatch.pk)
    batch = submission._claim(work)
    assert batch
    recipients = loading.recipients(work, batch)
    key = str(uuid.uuid4()) if with_key else ""
    attempt = Attempt(
        batch=batch,
        fence=batch.fence,
        mailer=batch.mailer,
        readers=len(recipients),
        key=key,
        recipients=doubts.kept(recipients) if with_key else None,
        fingerprint=gateway.ready(work.mail, recipients, alias=batch.mailer, key=key).fingerprint,
    )
    return attempt, recipients


def written(dispatch: Dispatch, *, with_key: bool = False) -> Attempt:
    """And written ahead."""
    attempt, recipients = built(dispatch, with_key=with_key)
    assert submission._write_ahead(attempt, recipients, is_part=False)
    return attempt


def die_while_speaking(dispatch: Dispatch, *, with_key: bool = False) -> Batch:
    """Everything up to the write-ahead, and then no more; the lease is over at once."""
    batch = written(dispatch, with_key=with_key).batch
    Batch.objects.filter(pk=batch.pk).update(lease_until=Now() - timedelta(seconds=1))
    return batch
