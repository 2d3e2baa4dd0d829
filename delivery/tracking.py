"""What follows from the providers' events: uncertain readers turn out to have it, and addresses that must not be mailed
are suppressed.

Events come doubled, in any order, and before the answer to the hand-over itself. So each step here is harmless when it
is done twice, and none takes anything back.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from delivery.models import Delivery, Event
from subscribers import barring, consent, lifecycle
from subscribers.models import Subscription, Suppression

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

logger = logging.getLogger(__name__)

KEPT = timedelta(days=30)
SLICE = 1000
DELETED_AT_ONCE = 5000
Kind = Event.Kind
REASONS = {
    Kind.HARD_BOUNCED: Suppression.Reason.HARD_BOUNCE,
    Kind.COMPLAINED: Suppression.Reason.COMPLAINT,
}


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and the delivery of ours that it speaks of."""

    event: Event
    state: str
    dispatch_id: int
    subscription_id: int
    email: str
    is_from_before: bool = False  # the mail went to the address that its reader has left since


def is_waiting() -> bool:
    return Event.objects.unprocessed().exists()


def process(*, seconds: float) -> bool:
    """Let what the providers told take effect. True when the time was over before the events were."""
    deadline, after = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        last = _process_slice(after)
        if last is None:
            return False
        after = last
    return True


def _process_slice(after: int) -> int | None:
    """The next events, together; the number of the last. Whoever does the same meanwhile gets those behind them."""
    waiting = Event.objects.unprocessed().filter(pk__gt=after).order_by("pk")
    with transaction.atomic():
        events = list(waiting.select_for_update(skip_locked=True)[:SLICE])
        if not _is_processed(events):
            for event in events:
                _is_processed([event])
    return events[-1].pk if events else None


def _is_processed(events: Sequence[Event]) -> bool:
    try:
        with transaction.atomic():
            _process(events)
    except (InterfaceError, OperationalError):
        raise  # it is not the events: the next sweep tries again
    except Exception as error:
        if len(events) > 1:
            return False
        logger.exception("Event %s of a provider is set aside.", events[0].pk)
        _close(events, problem=repr(error)[:500])
    return True


def _process(events: Sequence[Event]) -> None:
    told, without = _matched(events)
    for problem, those in without.items():
        _close(those, problem=problem)
    # Its own answer is still to come, and speaks first; if none comes, the reader is uncertain, and this is evidence.
    told = [each for each in told if each.state != Delivery.State.IN_FLIGHT]
    _accept(told)
    _heed(told)
    _close([each.event for each in told])


def _matched(events: Sequence[Event]) -> tuple[list[Told], dict[str, list[Event]]]:
    """The events of our deliveries to the very same reader, and those without effect by their reason."""
    rows = Delivery.objects.filter(pk__in={event.delivery_id for event in events if event.delivery_id})
    subscriber = "subscription__subscriber"
    known = {
        pk: row
        for pk, *row in rows.values_list(
            "pk",
            f"{subscriber}__address_key",
            f"{subscriber}_id",
            "state",
            "dispatch_id",
            "subscription_id",
            f"{subscriber}__email",
        )
    }
    told: list[Told] = []
    without: dict[str, list[Event]] = {}
    earlier = _earlier(events, {pk: (row[0], row[1]) for pk, row in known.items()})
    for event in events:
        address_key, person, *row = known.get(event.delivery_id, [None, None])
        is_from_before = event.address_key in earlier.get(person, ())
        if address_key and (address_key == event.address_key or is_from_before):
            told.append(replace(Told(event, *row), is_from_before=is_from_before))
        else:
            problem = (
                "It is of another address, or the reader is gone." if row else "It is of no delivery of ours."
            )
            without.setdefault(problem, []).append(event)
    return told, without


def _earlier(events: Iterable[Event], known: Mapping[int, tuple[str | None, int]]) -> dict[int, set[str]]:
    """The addresses that people have left, of those whose mails went elsewhere than to the one they have now."""
    nobody = ("", 0)
    people = {
        person
        for event in events
        for address_key, person in [known.get(event.delivery_id or 0, nobody)]
        if address_key and address_key != event.address_key
    }
    return barring.earlier_keys(people) if people else {}


def _accept(told: Iterable[Told]) -> None:
    """The provider tells of it, so the provider had it. Nothing but a doubt is touched."""
    by_words: dict[str, list[int]] = {}
    for each in told:
        if each.state == Delivery.State.UNCERTAIN and each.event.kind != Kind.OTHER:
            words = f"The provider's event: {each.event.kind}, {each.event.happened_at:%Y-%m-%d %H:%M} UTC"
            by_words.setdefault(words, []).append(each.event.delivery_id or 0)
    for words, ids in by_words.items():
        Delivery.objects.filter(pk__in=ids, state=Delivery.State.UNCERTAIN).update(
            state=Delivery.State.ACCEPTED, reason="", detail=words, settled_at=Now()
        )


def _heed(told: Iterable[Told]) -> None:
    """Whom it says not to mail any more. A soft bounce says nothing of the kind."""
    for each in told:
        kind = Kind(each.event.kind)
        if reason := REASONS.get(kind):
            barring.suppress_key(each.event.address_key, reason=reason)
            # Who reported us is not mailed at the new address either; that the old one is gone says nothing of it.
            if each.is_from_before and kind == Kind.COMPLAINED:
                lifecycle.suppress(each.email, reason=reason)
        elif kind == Kind.UNSUBSCRIBED:
            subscription = Subscription.objects.filter(pk=each.subscription_id).first()
            if subscription:
                lifecycle.unsubscribe(
                    subscription, via=str(each.dispatch_id), circumstances=consent.BY_PROVIDER
                )


def _close(events: Iterable[Event], *, problem: str = "") -> None:
    ids = [event.pk for event in events]
    if ids:
        Event.objects.filter(pk__in=ids).update(processed_at=Now(), problem=problem)


def forget() -> int:
    """Delete a slice of what is older than KEPT. Events are numbered as they come, so the oldest are the first."""
    oldest = Event.objects.order_by("pk")
    first = oldest.values_list("received_at", flat=True).first()
    if not first or first > timezone.now() - KEPT:
        return 0
    those = Event.objects.filter(pk__in=oldest.values("pk")[:DELETED_AT_ONCE], received_at__lt=Now() - KEPT)
    return those.delete()[0]
