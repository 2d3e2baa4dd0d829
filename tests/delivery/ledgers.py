"""A dispatch whose ledger already tells a story, for tests of what a person sees of it and does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from delivery import preparation, progress
from delivery.models import Attempt, Batch, Delivery, Dispatch
from tests import factories

if TYPE_CHECKING:
    from newsletter.models import Issue

BATCH = 10
HAND_OVER = dict(settings.HAND_OVER)
REASONS = {"failed": "refused", "uncertain": "no_answer", "skipped": "unsubscribed"}
WORDS = {"failed": "550 no such mailbox", "uncertain": "502 Bad Gateway"}
UNSENT = {"state": "pending", "attempt": None}


def ledger(draft: Issue, *, state: str = "sending", **counts: int) -> Dispatch:
    """`counts` by the deliveries' state, in the order of the readers. Batches without waiting readers are done."""
    factories.readers(draft.newsletter, sum(counts.values()))
    with override_settings(
        HAND_OVER=HAND_OVER
    ):  # whatever mailers the test speaks of, it has gone out by ours
        dispatch = preparation.start(draft)
    Dispatch.objects.filter(pk=dispatch.pk).update(batch_size=BATCH)
    preparation.prepare(dispatch.pk)
    rows = list(Delivery.objects.filter(dispatch=dispatch).order_by("pk"))
    for name, count in counts.items():
        for row in rows[:count]:
            _settle(row, name)
        rows = rows[count:]
    open_batches = Delivery.objects.filter(state="pending").values("batch")
    Batch.objects.exclude(pk__in=open_batches).update(state="done")
    ended = {"finished_at": timezone.now()} if state in {"sent", "stopped"} else {}
    Dispatch.objects.filter(pk=dispatch.pk).update(state=state, **ended)
    dispatch.refresh_from_db()
    return dispatch


def _settle(row: Delivery, name: str) -> None:
    if name == "pending":
        return
    is_handed_over = name != "skipped"
    outcome = {"uncertain": "uncertain", "in_flight": ""}.get(name, "answered")
    attempt, _ = Attempt.objects.get_or_create(
        batch_id=row.batch_id,
        fence=list(Delivery.State.values).index(name) + 1,
        defaults={"mailer": "bulk", "outcome": outcome, "detail": WORDS.get(name, ""), "readers": BATCH},
    )
    Delivery.objects.filter(pk=row.pk).update(
        state=name,
        reason=REASONS.get(name, ""),
        detail=WORDS.get(name, ""),
        attempt=attempt if is_handed_over else None,
        settled_at=timezone.now(),
    )
    field = {"accepted": "accepted", "failed": "refused"}.get(name)
    if field:
        setattr(attempt, field, getattr(attempt, field) + 1)
        attempt.save(update_fields=[field])


def counts(dispatch: Dispatch) -> dict[str, int]:
    """The balance without its zeros; it must add up whenever one looks."""
    dispatch.refresh_from_db()
    balance = progress.balance(dispatch)
    assert balance.adds_up
    found = {name: getattr(balance, name) for name in Delivery.State.values}
    return {name: count for name, count in found.items() if count}
