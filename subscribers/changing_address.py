"""A reader wants their newsletters elsewhere: both mailboxes are asked, and it is done when both have said yes.

Nobody but whoever opens the new mailbox learns whether it belongs to a reader already.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q

from subscribers import consent, letters, managing
from subscribers.addresses import masked
from subscribers.models import (
    AddressChange,
    ConsentEvent,
    KeptOut,
    Letter,
    Subscriber,
    Subscription,
    Suppression,
    address_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    from subscribers.consent import Circumstances

LIFE = timedelta(hours=24)
ENDS = frozenset({"old", "new"})
Reason = Suppression.Reason
# What a person wished goes where they go; that a mailbox does not exist is said of that mailbox alone.
WISHES = (Reason.COMPLAINT, Reason.REQUEST)


class State(Enum):
    """How a change stands, for whoever holds one end of it."""

    ASKING = "asking"
    AGREED = "agreed"  # at this end; the other has not said yes yet
    DONE = "done"
    TAKEN = "taken"  # the new mailbox is another reader's. Only its owner may be told
    KEPT_OUT = "kept out"  # it once reported us as spam. Only its owner may be told
    OVER = "over"  # too late, called off, or replaced by another wish


def open_of(subscriber: Subscriber, *, now: datetime) -> AddressChange | None:
    return _open(now).filter(subscriber=subscriber).first()


def waits_until(change: AddressChange, *, now: datetime) -> datetime | None:
    """When its last letter goes out, where a cool-down holds it back. None: they have left, or leave in this minute."""
    held_back = change.letters.filter(due_at__gt=now + timedelta(minutes=1))
    last: datetime | None = held_back.aggregate(last=Max("due_at"))["last"]
    return last


def ask(subscriber: Subscriber, *, new_email: str, now: datetime) -> AddressChange | None:
    """Two letters are due, one to each mailbox; an earlier wish is over. The same wish twice is one.

    `new_email` is canonical, and not the one they have. None for whom no newsletter can write to.
    """
    with transaction.atomic():
        subscriber = Subscriber.objects.select_for_update(no_key=True).get(pk=subscriber.pk)
        same = _open(now).filter(subscriber=subscriber, new_email=new_email).first()
        speaker = managing.speaks_to(subscriber)
        if same or speaker is None:
            return same
        call_off(subscriber, now=now)
        change = AddressChange.objects.create(subscriber=subscriber, new_email=new_email, asked_at=now)
        letters.ask(Letter.Kind.NEW_ADDRESS, speaker, now=now, change=change)
        letters.ask(Letter.Kind.OLD_ADDRESS, speaker, now=now, change=change)
    return change


def call_off(subscriber: Subscriber, *, now: datetime) -> bool:
    """False when there was nothing to call off. The address that was typed is forgotten: it may be a stranger's."""
    with transaction.atomic():
        Letter.objects.filter(
            change__subscriber=subscriber, change__ended_at__isnull=True, due_at__isnull=False
        ).delete()
        theirs = AddressChange.objects.filter(subscriber=subscriber, ended_at__isnull=True)
        return theirs.update(ended_at=now, new_email="") > 0


def forget(*, now: datetime) -> int:
    """End what nobody agreed to in time, and forget the addresses that were typed. Returns how many."""
    late = AddressChange.objects.filter(ended_at__isnull=True, asked_at__lte=now - LIFE)
    return late.update(ended_at=now, new_email="")


def earlier_keys(subscriber_ids: Iterable[int]) -> dict[int, set[str]]:
    """By which keyed hashes these people were known before they moved; only of those who did."""
    found: dict[int, set[str]] = {}
    moves = ConsentEvent.objects.filter(kind=consent.Kind.MOVED, subscriber__in=list(subscriber_ids))
    for subscriber_id, details in moves.values_list("subscriber_id", "details"):
        found.setdefault(subscriber_id, set()).add(str(details.get("from_key")))
    return found


def look(change: AddressChange, *, end: str, now: datetime) -> State:
    """What a page may say to whoever opened this end's mailbox. Changes nothing."""
    if change.ended_at or change.asked_at <= now - LIFE:
        has_both = change.old_agreed_at and change.new_agreed_at
        return State.DONE if change.ended_at and has_both else State.OVER
    if end == "new" and (obstacle := _obstacle(change)):
        return obstacle
    return State.AGREED if getattr(change, f"{end}_agreed_at") else State.ASKING


def agree(change_id: int, *, end: str, now: datetime, circumstances: Circumstances) -> State:
    """One mailbox says yes; with the second, it is done. Harmless when repeated."""
    with transaction.atomic():
        rows = AddressChange.objects.select_for_update(of=("self",)).select_related("subscriber")
        change = rows.filter(pk=change_id).first()
        if change is None:
            return State.OVER
        state = look(change, end=end, now=now)
        if state == State.ASKING:
            setattr(change, f"{end}_agreed_at", now)
            change.save(update_fields=[f"{end}_agreed_at"])
            state = State.AGREED
        if state == State.AGREED and change.old_agreed_at and change.new_agreed_at:
            state = _carry_out(change, now=now, circumstances=circumstances)
    return State.OVER if end == "old" and state in {State.TAKEN, State.KEPT_OUT} else state


def _obstacle(change: AddressChange) -> State | None:
    if Subscriber.objects.filter(email=change.new_email).exclude(pk=change.subscriber_id).exists():
        return State.TAKEN
    key = address_key(change.new_email)
    if Suppression.objects.filter(address_key=key, reason=Reason.COMPLAINT).exists():
        return State.KEPT_OUT
    return None


def _carry_out(change: AddressChange, *, now: datetime, circumstances: Circumstances) -> State:
    """In the transaction in which the second mailbox agreed; both rows are held."""
    old = Subscriber.objects.select_for_update().get(pk=change.subscriber_id)
    new_key = address_key(change.new_email)
    obstacle = _obstacle(change)
    try:
        with transaction.atomic():
            if obstacle is None:
                Subscriber.objects.filter(pk=old.pk).update(email=change.new_email, address_key=new_key)
    except IntegrityError:  # somebody signed up with it in this very moment
        obstacle = State.TAKEN
    if obstacle:
        AddressChange.objects.filter(pk=change.pk).update(ended_at=now, new_email="", new_agreed_at=None)
        return obstacle
    _take_along(old, new_key=new_key)
    AddressChange.objects.filter(pk=change.pk).update(ended_at=now, new_email="")
    consent.note_of(
        consent.Kind.MOVED,
        old,
        circumstances,
        at=now,
        details={"from": masked(old.email), "from_key": old.address_key},
    )
    return State.DONE


def _take_along(old: Subscriber, *, new_key: str) -> None:
    """What was known of the old address, and of the new one, as far as it is the person's."""
    theirs = Subscription.objects.filter(subscriber=old)
    # The new mailbox has shown that it exists, and asked for these newsletters with a press of a button.
    Suppression.objects.filter(address_key=new_key, reason__in=Suppression.LIFTED_BY_CONFIRMING).delete()
    getting = theirs.filter(status__in=[Subscription.Status.ACTIVE, Subscription.Status.PAUSED])
    KeptOut.objects.filter(address_key=new_key, newsletter__in=getting.values("newsletter")).delete()
    for wish in Suppression.objects.filter(address_key=old.address_key, reason__in=WISHES):
        Suppression.objects.get_or_create(address_key=new_key, defaults={"reason": wish.reason})
    # An old file with the old address in it must not make a second reader of them.
    KeptOut.objects.bulk_create(
        [
            KeptOut(newsletter_id=newsletter_id, address_key=old.address_key)
            for newsletter_id in theirs.values_list("newsletter", flat=True)
        ],
        ignore_conflicts=True,
    )
    # What lies in the old mailbox must not hold back a link to the new one.
    links = [Letter.Kind.KNOWN, Letter.Kind.MANAGE]
    Letter.objects.filter(subscriber=old, kind__in=links, due_at__isnull=True).delete()
    # A confirmation mail that still lies in the old mailbox must not begin anything in the new one.
    theirs.filter(status=Subscription.Status.PENDING).update(generation=F("generation") + 1)


def _open(now: datetime) -> QuerySet[AddressChange]:
    return AddressChange.objects.filter(Q(ended_at__isnull=True), asked_at__gt=now - LIFE)
