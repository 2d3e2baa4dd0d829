"""A reader wants their newsletters elsewhere: both mailboxes are asked, and it is done when both have said yes.

Nobody but whoever opens the new mailbox learns whether it belongs to a reader already.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q

from newsletter.models import Newsletter
from subscribers import consent, letters, managing, signals
from subscribers.addresses import masked
from subscribers.models import (
    AddressChange,
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
        change = _held(change_id)
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


def _held(change_id: int) -> AddressChange | None:
    """The people first, as everywhere (`ask`): the one who moves, and whoever signed up at the new mailbox."""
    rows = AddressChange.objects.filter(pk=change_id)
    for subscriber_id, new_email in rows.values_list("subscriber", "new_email"):
        people = Subscriber.objects.filter(Q(pk=subscriber_id) | Q(email=new_email)).order_by("pk")
        list(people.select_for_update(no_key=True).values_list("pk"))
    return rows.select_for_update(of=("self",)).select_related("subscriber").first()


def _newcomer(change: AddressChange) -> QuerySet[Subscriber]:
    return Subscriber.objects.filter(email=change.new_email).exclude(pk=change.subscriber_id)


def _obstacle(change: AddressChange) -> State | None:
    """A form that anybody filled in with the new address takes it from nobody: it was never confirmed."""
    theirs = Subscription.objects.filter(subscriber__in=_newcomer(change), confirmed_at__isnull=False)
    if theirs.exists():
        return State.TAKEN
    key = address_key(change.new_email)
    if Suppression.objects.filter(address_key=key, reason=Reason.COMPLAINT).exists():
        return State.KEPT_OUT
    return None


def _carry_out(change: AddressChange, *, now: datetime, circumstances: Circumstances) -> State:
    """In the transaction in which the second mailbox agreed; both rows are held.

    Their subscriptions before the address: whoever leaves at this moment holds one, and then asks for the person.
    """
    old = Subscriber.objects.get(pk=change.subscriber_id)
    theirs = Subscription.objects.filter(subscriber__in=[old, *_newcomer(change)]).order_by("pk")
    list(theirs.select_for_update().values_list("pk"))
    new_key = address_key(change.new_email)
    obstacle = _obstacle(change)
    try:
        with transaction.atomic():
            if obstacle is None:
                _absorb(change, new_key=new_key)
                Subscriber.objects.filter(pk=old.pk).update(email=change.new_email, address_key=new_key)
    except IntegrityError:  # somebody signed up with it in this very moment
        obstacle = State.TAKEN
    if obstacle:
        AddressChange.objects.filter(pk=change.pk).update(ended_at=now, new_email="", new_agreed_at=None)
        return obstacle
    _take_along(old, new_key=new_key)
    AddressChange.objects.filter(pk=change.pk).update(ended_at=now, new_email="")
    details = {"from": masked(old.email), "from_key": old.address_key}
    consent.note(consent.Kind.MOVED, old, circumstances, at=now, details=details)
    return State.DONE


def _absorb(change: AddressChange, *, new_key: str) -> None:
    """Of the new mailbox's own sign-ups, none of which it confirmed, nothing stays but what it did not want."""
    for newcomer in _newcomer(change):
        left = Subscription.objects.filter(subscriber=newcomer, status=Subscription.Status.UNSUBSCRIBED)
        _keep_out(left.values_list("newsletter", flat=True), key=new_key)
        signals.erasing.send(Subscriber, subscribers=[newcomer])
        newcomer.delete()


def _keep_out(newsletter_ids: Iterable[int], *, key: str) -> None:
    KeptOut.objects.bulk_create(
        [KeptOut(newsletter_id=pk, address_key=key) for pk in newsletter_ids], ignore_conflicts=True
    )


def _take_along(old: Subscriber, *, new_key: str) -> None:
    """What was known of the old address, and of the new one, as far as it is the person's."""
    theirs = Subscription.objects.filter(subscriber=old)
    # The new mailbox has shown that it exists, and asked for these newsletters with a press of a button.
    got = list(theirs.reading().values_list("newsletter", flat=True))
    lifted = Suppression.objects.filter(address_key=new_key, reason__in=Suppression.LIFTED_BY_CONFIRMING)
    if lifted.filter(
        reason=Reason.REQUEST
    ).exists():  # it had wanted no mail at all: now these, and no others
        _keep_out(Newsletter.objects.exclude(pk__in=got).values_list("pk", flat=True), key=new_key)
        theirs.exclude(left_as="").update(left_as="")  # nor may an undo of what they had left before
    lifted.delete()
    gone = KeptOut.objects.filter(address_key=old.address_key).exclude(newsletter__in=got)
    _keep_out(gone.values_list("newsletter", flat=True), key=new_key)
    KeptOut.objects.filter(address_key=new_key, newsletter__in=got).delete()
    for wish in Suppression.objects.filter(address_key=old.address_key, reason__in=WISHES):
        Suppression.objects.get_or_create(address_key=new_key, defaults={"reason": wish.reason})
    # An old file with the old address in it must not make a second reader of them.
    _keep_out(theirs.values_list("newsletter", flat=True), key=old.address_key)
    # What lies in the old mailbox must not hold back a link to the new one.
    links = [Letter.Kind.KNOWN, Letter.Kind.MANAGE]
    Letter.objects.filter(subscriber=old, kind__in=links, due_at__isnull=True).delete()
    # A confirmation mail that still lies in the old mailbox must not begin anything in the new one.
    theirs.filter(status=Subscription.Status.PENDING).update(generation=F("generation") + 1)


def _open(now: datetime) -> QuerySet[AddressChange]:
    return AddressChange.objects.filter(Q(ended_at__isnull=True), asked_at__gt=now - LIFE)
