"""Who did not surely get it, and what is known about each: for the page, the export and the command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, F, Min, OuterRef, Q

from delivery.models import Attempt, Batch, Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

State = Delivery.State
EXPORTED = (State.FAILED, State.SKIPPED, State.UNCERTAIN)
CHUNK = 2000


def waiting(dispatch_id: int) -> QuerySet[Delivery]:
    return Delivery.objects.filter(dispatch_id=dispatch_id, state=State.PENDING)


def failed(dispatch_id: int) -> QuerySet[Delivery]:
    return Delivery.objects.filter(dispatch_id=dispatch_id, state=State.FAILED)


def uncertain(dispatch_id: int) -> QuerySet[Delivery]:
    return Delivery.objects.filter(dispatch_id=dispatch_id, state=State.UNCERTAIN)


def settleable(dispatch_id: int) -> QuerySet[Delivery]:
    """Who of the uncertain a person may settle now: those in a batch that is being handed over again wait for it."""
    return uncertain(dispatch_id).filter(~Exists(Batch.objects.live().filter(pk=OuterRef("batch_id"))))


def count_uncertain(dispatch_id: int) -> tuple[int, int]:
    """(all of them, those whom a person may settle now); one look at the ledger."""
    is_free = ~Exists(Batch.objects.live().filter(pk=OuterRef("batch_id")))
    found = uncertain(dispatch_id).annotate(is_free=is_free)
    counts = found.aggregate(total=Count("pk"), free=Count("pk", filter=Q(is_free=True)))
    return counts["total"], counts["free"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """One hand-over whose outcome nobody knows, and how many readers hang on it."""

    readers: int
    since: datetime
    reason: str
    words: str
    attempt: Attempt


def doubts(dispatch_id: int, *, most: int) -> list[Doubt]:
    """The uncertain of a dispatch by their hand-over, oldest first."""
    grouped = uncertain(dispatch_id).order_by().values("attempt_id", "reason", "detail")
    found = list(grouped.annotate(readers=Count("pk"), since=Min("settled_at")).order_by("since")[:most])
    attempts = Attempt.objects.in_bulk([row["attempt_id"] for row in found])
    return [
        Doubt(row["readers"], row["since"], row["reason"], row["detail"], attempts[row["attempt_id"]])
        for row in found
    ]


def page(dispatch_id: int, *, after: int, size: int) -> list[Delivery]:
    """The uncertain readers behind this one, with all that is known of them. One more than a page, if there is one."""
    behind = uncertain(dispatch_id).filter(pk__gt=after)
    known = behind.select_related("attempt", "subscription__subscriber")
    # "+ 0" keeps the database from walking through the whole ledger in the order of the primary key to find a few: it
    # looks at this dispatch's rows alone, and sorts what it finds.
    return list(known.order_by(F("pk") + 0)[: size + 1])


def rows(dispatch_id: int, *, state: str) -> Iterator[Delivery]:
    """Every reader in this state, a few thousand in memory at a time."""
    of_state = Delivery.objects.filter(dispatch_id=dispatch_id, state=state)
    return of_state.select_related("attempt", "subscription__subscriber").iterator(chunk_size=CHUNK)


def address(delivery: Delivery) -> str:
    """Empty when the person has been erased."""
    return delivery.subscription.subscriber.email if delivery.subscription else ""
