"""Which letter is due to whom, and when: a form must not become a weapon.

What holds an address's letters apart stands in the database, under a lock on its row: two posts at the same moment, to
two newsletters, without Redis, still make one letter.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max, Q

from subscribers.models import ConsentEvent, Letter, Subscriber, Subscription

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from subscribers.models import AddressChange
    from subscribers.models.letter import LetterQuerySet

Kind = Letter.Kind
COOL_DOWN = timedelta(hours=1)
DAY = timedelta(days=1)
# What asks for a yes, to one address, whatever is posted and for how many newsletters.
CONFIRMING = (Kind.CONFIRMATION, Kind.REMINDER)
# Both carry the link to manage everything; within its life another would say nothing new.
MANAGING = (Kind.KNOWN, Kind.MANAGE)
STILL_FRESH = timedelta(minutes=30)
# What anybody can make us send by typing an address.
MOST_A_DAY = dict.fromkeys(CONFIRMING, 3) | dict.fromkeys(MANAGING, 5)
MOST_NAMED = 50  # newsletters in one link


def ask(
    kind: Kind,
    subscription: Subscription,
    *,
    now: datetime,
    change: AddressChange | None = None,
) -> Letter | None:
    """Note that this letter is due: at once, or when the address's cool-down is over. One that is due already stays,
    and so it is with one that was just sent and says the same. None: none is needed.

    The caller wakes a worker (`tasks.wake`) once the transaction is over; the sweep would find it, too.
    """
    if kind == Kind.GOODBYE and not subscription.newsletter.says_goodbye:
        return None
    with transaction.atomic():
        hold(subscription.subscriber_id)
        earlier = _earlier(kind, subscription, change)
        if waiting := earlier.filter(due_at__isnull=False).first():
            return _joined(waiting, subscription, change)
        if _is_said(kind, subscription, earlier, now=now):
            return None
        due_at = _due_at(kind, subscription, earlier, now=now)
        return Letter.objects.create(
            kind=kind,
            subscriber_id=subscription.subscriber_id,
            newsletter_id=subscription.newsletter_id,
            subscription=subscription,
            change=change,
            covers=[pair(subscription)],
            due_at=due_at,
            asked_at=due_at,
        )


def hold(subscriber_id: int) -> None:
    """Whoever asks for this person's letters, or sends them, takes turns. In a transaction.

    no_key: two that have each just written a subscription of theirs (and so hold its person's key) would wait for one
    another for ever.
    """
    Subscriber.objects.select_for_update(no_key=True).only("pk").filter(pk=subscriber_id).first()


def pair(subscription: Subscription) -> str:
    """Of a letter that it covers: this wish, and none of after they left."""
    return f"{subscription.pk}.{subscription.generation}"


def pending(subscriber_id: int) -> QuerySet[Subscription]:
    """What a letter to them would ask them to confirm."""
    waiting = Subscription.objects.filter(subscriber=subscriber_id, status=Subscription.Status.PENDING)
    return waiting.select_related("newsletter").order_by("pk")


def known(covers: list[str]) -> list[Subscription]:
    """What a letter says that they get already: asked for again, and theirs."""
    ids = [int(each.partition(".")[0]) for each in covers]
    theirs = Subscription.objects.filter(
        pk__in=ids, status__in=[Subscription.Status.ACTIVE, Subscription.Status.PAUSED]
    )
    return list(theirs.select_related("newsletter").order_by("pk"))


def _earlier(kind: Kind, subscription: Subscription, change: AddressChange | None) -> LetterQuerySet:
    """Those that share a cool-down with it, sent or due."""
    theirs = Letter.objects.filter(subscriber=subscription.subscriber_id)
    if kind in CONFIRMING:
        return theirs.filter(kind__in=CONFIRMING)
    if kind in MANAGING:
        return theirs.filter(kind__in=MANAGING)
    if (
        kind == Kind.NEW_ADDRESS and change
    ):  # anybody's mailbox: whoever names it is not the only one who might
        to_it = Q(subscriber=subscription.subscriber_id) | Q(change__new_email=change.new_email)
        return Letter.objects.filter(to_it, kind=kind)
    return theirs.filter(kind=kind, newsletter=subscription.newsletter_id)


def _joined(waiting: Letter, subscription: Subscription, change: AddressChange | None) -> Letter:
    """One letter does for both. (One that asks for a yes names all that is pending when it goes out.)"""
    is_theirs = waiting.subscriber_id == subscription.subscriber_id
    if change and is_theirs and waiting.change_id != change.pk:
        waiting.change = change
        waiting.save(update_fields=["change"])
    if waiting.kind in MANAGING and pair(subscription) not in waiting.covers:
        waiting.covers = [*waiting.covers, pair(subscription)]
        waiting.save(update_fields=["covers"])
    return waiting


def _is_said(kind: Kind, subscription: Subscription, earlier: LetterQuerySet, *, now: datetime) -> bool:
    """Whether a letter that was just sent says all that this one would."""
    match kind:
        case Kind.MANAGE:
            return earlier.filter(sent_at__gt=now - STILL_FRESH).exists()
        case Kind.WELCOME:
            return earlier.filter(sent_at__gt=now - DAY).exists()
        case Kind.CONFIRMATION:  # after a day's last one, its link still works
            since = now - DAY if _used_up(kind, subscription, earlier, now=now) else now - COOL_DOWN
        case Kind.KNOWN:
            since, earlier = now - COOL_DOWN, earlier.filter(kind=kind)
        case _:
            return False
    said = earlier.filter(sent_at__gt=since).values_list("covers", flat=True)
    return any(pair(subscription) in covers for covers in said)


def _due_at(kind: Kind, subscription: Subscription, earlier: LetterQuerySet, *, now: datetime) -> datetime:
    last: datetime | None = earlier.aggregate(last=Max("sent_at"))["last"]
    first_of_a_day = _used_up(kind, subscription, earlier, now=now)
    cooled = last + COOL_DOWN if last else now
    tomorrow = first_of_a_day + DAY if first_of_a_day else now
    return max(now, cooled, tomorrow)


def _used_up(
    kind: Kind, subscription: Subscription, earlier: LetterQuerySet, *, now: datetime
) -> datetime | None:
    """When the first of a day's letters went out, where that was the last but for tomorrow's.

    A press of the button in one of them shows that they are welcome.
    """
    most = MOST_A_DAY.get(kind)
    sent = list(earlier.filter(sent_at__gt=now - DAY).order_by("-sent_at").values_list("sent_at", flat=True))
    if most is None or len(sent) < most:
        return None
    if kind in CONFIRMING and (yes := _last_yes(subscription)):
        sent = [sent_at for sent_at in sent if sent_at and sent_at > yes]
    return sent[most - 1] if len(sent) >= most else None


def _last_yes(subscription: Subscription) -> datetime | None:
    pressed = ConsentEvent.objects.filter(
        subscriber=subscription.subscriber_id,
        kind=ConsentEvent.Kind.CONFIRMED,
        method=ConsentEvent.Method.LINK,
    )
    last: datetime | None = pressed.aggregate(last=Max("happened_at"))["last"]
    return last
