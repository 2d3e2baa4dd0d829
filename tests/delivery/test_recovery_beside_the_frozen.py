"""A process that is frozen in the middle of a transaction keeps its rows. Nobody else may stand still for that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now

from delivery import control, progress, recovery
from delivery.models import Batch, Dispatch
from newsletter.models import Issue
from tests.delivery.engine import READERS, only, prepared, send, states, written
from tests.fakes.client import Fake

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer at a time, and no locks on rows"
)


@pytest.fixture
def dispatch(transactional_db: None, draft: Issue, mailgun: Fake) -> Iterator[Dispatch]:
    """Its rows are there for others, too; whoever waits for one fails instead of hanging."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
    yield prepared(draft)
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


@contextmanager
def frozen_with(batch: Batch) -> Iterator[None]:
    """Somebody else in the middle of a transaction, with this batch in hand."""
    known = connection.get_connection_params()
    given: dict[str, Any] = {
        name: known[name] for name in ("host", "port", "dbname", "user") if name in known
    }
    with psycopg.connect(**given) as other:
        other.execute("SELECT 1 FROM delivery_batch WHERE id = %s FOR UPDATE", [batch.pk])
        yield
        other.rollback()


def over(batch: Batch) -> Batch:
    Batch.objects.filter(pk=batch.pk).update(lease_until=Now() - timedelta(seconds=1))
    return batch


def state_of(batch: Batch) -> str:
    return str(Batch.objects.values_list("state", flat=True).get(pk=batch.pk))


def claimed(dispatch: Dispatch) -> Batch:
    batch = Batch.objects.claim(dispatch.pk, mailer="bulk", lease=timedelta(minutes=1), at_once=9)
    assert batch
    return batch


def test_doubts_of_others_are_settled(dispatch: Dispatch) -> None:
    one, other = over(written(dispatch).batch), over(written(dispatch).batch)

    with frozen_with(one):
        recovery.recover()
        beside = [state_of(one), state_of(other)]
    recovery.recover()

    assert beside == ["submitting", "done"]
    assert state_of(one) == "done"


def test_batches_that_others_had_not_begun_are_free(dispatch: Dispatch, mailgun: Fake) -> None:
    one, other = over(claimed(dispatch)), over(claimed(dispatch))

    with frozen_with(one):
        recovery.recover()
        beside = [state_of(one), state_of(other)]
    recovery.recover()

    assert beside == ["claimed", "ready"]
    assert states(send(dispatch)) == only(accepted=READERS)
    assert mailgun.seen()["duplicates"] == 0


def test_stop_settles_everybody_else(dispatch: Dispatch) -> None:
    one = Batch.objects.get(number=1)

    with frozen_with(one):
        control.stop(dispatch.pk)
        beside = states(progress.balance(dispatch))
    recovery.recover()

    assert beside == only(pending=10, skipped=READERS - 10)
    assert states(progress.balance(dispatch)) == only(skipped=READERS)
