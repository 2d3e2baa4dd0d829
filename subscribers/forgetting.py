"""What is not kept for ever: who never confirmed, who left long ago, from which network a reader came.

Each newsletter says for how long (its settings). All of it can be run again, or be stopped halfway: what is due is
found by asking, and each slice is one short transaction. This is the one place that may touch what was written as
proof (ConsentEvent.unguarded).
"""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import changing_address, consent, signals, traces
from subscribers.models import (
    AddressChange,
    ConsentEvent,
    KeptOut,
    Letter,
    SignUp,
    Subscriber,
    Subscription,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from subscribers.models import SubscriptionQuerySet

logger = logging.getLogger(__name__)

Status = Subscription.Status
Slices = Iterator[int]  # each step of it is a short piece of work, and says how many it was about
SLICE = 200  # readers, in one short transaction
EVENTS = 5000  # in one statement
# How often somebody may be written to is told from their letters: they stay as long as one of these may still count.
COOLS_DOWN_IN = timedelta(days=2)
# A worker takes a sign-up in within seconds. After this it never will, and nobody waits for it any more.
SIGN_UPS_WAIT = timedelta(days=7)
CHANGES_STAY = timedelta(days=30)


@dataclass(slots=True)
class Forgotten:
    unconfirmed: int = 0
    lapsed: int = (
        0  # had been readers before, and did not confirm that they want it again: they count as left
    )
    left: int = 0
    networks: int = 0
    sign_ups: int = 0
    address_changes: int = 0


def forget(*, now: datetime, until: datetime) -> Forgotten:
    """All that is due, in all newsletters, as long as there is time; the next run goes on with the rest.

    A slice of each in turn, so that a large newsletter does not keep a small one waiting; and as no run may get round
    to all, each begins elsewhere.
    """
    changing_address.forget(now=now)
    found = Forgotten()
    chores = list(_chores(now=now))
    random.shuffle(chores)
    waiting = deque(chores)
    while waiting and timezone.now() < until:
        name, slices = waiting.popleft()
        if (count := _next(name, slices)) is not None:
            setattr(found, name, getattr(found, name) + count)
            waiting.append((name, slices))
    if any(asdict(found).values()):
        logger.info("Forgotten: %s.", ", ".join(f"{count} {what}" for what, count in asdict(found).items()))
    if waiting:
        logger.info("There was no time for all that is to be forgotten; the next run goes on.")
    return found


def _next(name: str, slices: Slices) -> int | None:
    """None: that is all. One that fails keeps no other waiting; the next run tries it again."""
    try:
        return next(slices, None)
    except Exception:
        logger.exception("What is to be forgotten (%s) could not be.", name)
        return None


def _chores(*, now: datetime) -> Iterator[tuple[str, Slices]]:
    """By the name of its count. Nothing is asked of the database before its turn has come."""
    for newsletter in Newsletter.objects.all():
        events = ConsentEvent.unguarded.filter(newsletter=newsletter)
        yield "lapsed", _lapses(newsletter, now=now)
        yield "unconfirmed", _deletions(unconfirmed(newsletter, now=now), keeps_out=False)
        yield "left", _deletions(left(newsletter, now=now), keeps_out=True)
        yield "networks", _blanks(events, days=newsletter.forgets_networks_after, now=now)
    yield "networks", _networks_of_persons(now=now)
    yield "sign_ups", _sweeps(SignUp.objects.filter(posted_at__lt=now - SIGN_UPS_WAIT))
    yield "address_changes", _sweeps(AddressChange.objects.filter(ended_at__lt=now - CHANGES_STAY))


def unconfirmed(newsletter: Newsletter, *, now: datetime) -> SubscriptionQuerySet:
    """Who asked for it, never was a reader, and is to be deleted."""
    was_reader = Q(confirmed_at__isnull=False) | Q(unsubscribed_at__isnull=False)
    return _overdue(newsletter, now=now).exclude(was_reader).filter(~Exists(_letters_that_count(now)))


def left(newsletter: Newsletter, *, now: datetime) -> SubscriptionQuerySet:
    """Who left so long ago that they are to be deleted."""
    gone = newsletter.subscriptions.filter(status=Status.UNSUBSCRIBED)
    if newsletter.forgets_left_after is None:
        return gone.none()
    before = now - timedelta(days=newsletter.forgets_left_after)
    return gone.filter(~Exists(_letters_that_count(now)), unsubscribed_at__lt=before)


def _overdue(newsletter: Newsletter, *, now: datetime) -> SubscriptionQuerySet:
    before = now - timedelta(days=newsletter.forgets_unconfirmed_after)
    return newsletter.subscriptions.filter(status=Status.PENDING, requested_at__lt=before)


def _letters_that_count(now: datetime) -> QuerySet[Letter]:
    """Were they deleted, an address under attack could be written to as if nothing had been."""
    lately = Q(sent_at__gt=now - COOLS_DOWN_IN) | Q(due_at__isnull=False)
    return Letter.objects.filter(lately, subscriber=OuterRef("subscriber"))


def _lapses(newsletter: Newsletter, *, now: datetime) -> Slices:
    while count := _lapse(newsletter, now=now):
        yield count


def _lapse(newsletter: Newsletter, *, now: datetime) -> int:
    """Whoever had been a reader, and did not confirm in time that they want it again, counts as left: as they were
    before somebody typed their address. An import must not take them for new."""
    overdue = _overdue(newsletter, now=now).filter(
        Q(confirmed_at__isnull=False) | Q(unsubscribed_at__isnull=False)
    )
    with transaction.atomic():
        found = list(overdue.select_for_update(skip_locked=True)[:EVENTS])
        overdue.filter(pk__in=[each.pk for each in found]).update(
            status=Status.UNSUBSCRIBED, unsubscribed_at=Coalesce("unsubscribed_at", Value(now))
        )
        ConsentEvent.objects.bulk_create(
            consent.event(consent.Kind.LAPSED, each, consent.BY_CLOCK, at=now) for each in found
        )
    return len(found)


def _deletions(due: SubscriptionQuerySet, *, keeps_out: bool) -> Slices:
    """Whoever is being written about at this moment is left to the next run."""
    while readers := list(due.order_by().values_list("subscriber", flat=True)[:EVENTS]):
        deleted = 0
        for some in batched(readers, SLICE):
            count = _delete_some(due, some, keeps_out=keeps_out)
            deleted += count
            yield count
        if not deleted:
            return


def _delete_some(due: SubscriptionQuerySet, ids: Sequence[int], *, keeps_out: bool) -> int:
    """The person is locked first, as everywhere. But who is leaving at this moment holds the subscription, and their
    event then asks for the person: that is not waited for."""
    with transaction.atomic():
        locked = Subscriber.objects.select_for_update(skip_locked=True).filter(pk__in=ids).order_by("pk")
        people = {person.pk: person for person in locked}
        rows = list(due.filter(subscriber__in=people).select_for_update(skip_locked=True))
        if keeps_out:
            KeptOut.objects.bulk_create(
                (
                    KeptOut(
                        newsletter_id=row.newsletter_id, address_key=people[row.subscriber_id].address_key
                    )
                    for row in rows
                ),
                ignore_conflicts=True,
            )
        _take_out(rows, people)
    return len(rows)


def _take_out(rows: list[Subscription], people: dict[int, Subscriber]) -> None:
    """All that is held of these subscriptions; and of the person, where they have no other."""
    ids = [row.pk for row in rows]
    theirs = [row.subscriber_id for row in rows]
    others = Subscription.objects.filter(subscriber__in=theirs).exclude(pk__in=ids)
    alone = set(theirs).difference(others.values_list("subscriber", flat=True))
    if erased := [people[pk] for pk in alone]:
        signals.erasing.send(Subscriber, subscribers=erased)
        traces.take_out(erased)
    for newsletter_id in {row.newsletter_id for row in rows}:
        ConsentEvent.unguarded.filter(newsletter=newsletter_id, subscriber__in=theirs).delete()
    Subscription.objects.filter(pk__in=ids).delete()
    Subscriber.objects.filter(pk__in=alone).delete()


def _networks_of_persons(*, now: datetime) -> Slices:
    """What is a person's, and no one newsletter's, stays no longer than any newsletter lets it."""
    days = Newsletter.objects.filter(forgets_networks_after__isnull=False)
    shortest = (
        days.order_by("forgets_networks_after").values_list("forgets_networks_after", flat=True).first()
    )
    yield from _blanks(ConsentEvent.unguarded.filter(newsletter=None), days=shortest, now=now)


def _blanks(events: QuerySet[ConsentEvent], *, days: int | None, now: datetime) -> Slices:
    if days is None:
        return
    old = events.filter(~Q(network="", agent=""), happened_at__lt=now - timedelta(days=days))
    while ids := list(old.order_by("happened_at").values_list("pk", flat=True)[:EVENTS]):
        yield ConsentEvent.unguarded.filter(pk__in=ids).update(network="", agent="")


def _sweeps(old: QuerySet[Any]) -> Slices:
    while ids := list(old.order_by().values_list("pk", flat=True)[:EVENTS]):
        yield old.model._default_manager.filter(pk__in=ids).delete()[0]
