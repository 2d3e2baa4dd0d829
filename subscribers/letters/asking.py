"""Which letter is due to whom, and when: a form must not become a weapon.

What holds letters apart stands in the database: two posts at the same moment, to two newsletters, without Redis, still
make one letter of one person (a lock on their row), and one mail to one mailbox (`mailboxes`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Max, Q

from subscribers.letters import mailboxes
from subscribers.letters.mailboxes import CONFIRMING, COOL_DOWN, DAY, MANAGING
from subscribers.models import ConsentEvent, Letter, Subscriber, Subscription

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from subscribers.models import AddressChange
    from subscribers.models.letter import LetterQuerySet

Kind = Letter.Kind
# These say what they are about: what is asked for until they leave is told, too.
TELLING = (*MANAGING, Kind.WELCOME)
STILL_FRESH = timedelta(minutes=30)
NEW_A_DAY = 3  # mailboxes of others that one reader may have asked
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
        earlier = _earlier(kind, subscription)
        if waiting := _waiting(kind, earlier):
            return _joined(waiting, kind, subscription, change)
        if _is_said(kind, subscription, earlier, now=now):
            return None
        due_at = _due_at(kind, subscription, earlier, change, now=now)
        return _written(kind, subscription, change, due_at=due_at)


def _written(
    kind: Kind, subscription: Subscription, change: AddressChange | None, *, due_at: datetime
) -> Letter:
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
    theirs = Subscription.objects.reading().filter(pk__in=ids)
    return list(theirs.select_related("newsletter").order_by("pk"))


def is_pressed(subscription: Subscription) -> bool:
    """Whether a reader's own press began it: a form alone, that a stranger can fill in, did not."""
    began = (ConsentEvent.Kind.CONFIRMED, ConsentEvent.Kind.SINGLE)
    events = ConsentEvent.objects.filter(subscriber=subscription.subscriber_id, kind__in=began)
    last = events.filter(newsletter=subscription.newsletter_id).order_by("-pk").first()
    return last is None or (last.kind, last.method) != (ConsentEvent.Kind.SINGLE, ConsentEvent.Method.FORM)


def last_yes(subscriber_id: int) -> datetime | None:
    """When they last confirmed from their own mailbox."""
    pressed = ConsentEvent.objects.filter(
        subscriber=subscriber_id, kind=ConsentEvent.Kind.CONFIRMED, method=ConsentEvent.Method.LINK
    )
    last: datetime | None = pressed.aggregate(last=Max("happened_at"))["last"]
    return last


def _earlier(kind: Kind, subscription: Subscription) -> LetterQuerySet:
    """Of this person, those that say the same, or share an hour with it, sent or due."""
    theirs = Letter.objects.filter(subscriber=subscription.subscriber_id)
    if kind in CONFIRMING:
        return theirs.filter(kind__in=CONFIRMING)
    if kind in MANAGING:
        return theirs.filter(kind__in=MANAGING)
    if kind == Kind.NEW_ADDRESS:
        return theirs.filter(kind=kind)
    same = Q(newsletter=subscription.newsletter_id)
    if kind == Kind.WELCOME and not is_pressed(subscription):
        same |= Q(due_at=F("asked_at"))  # that is not on its way yet
    return theirs.filter(same, kind=kind)


def _waiting(kind: Kind, earlier: LetterQuerySet) -> Letter | None:
    # A link that was asked for says more than that they get it already, and stays if they leave.
    return earlier.filter(due_at__isnull=False).order_by("-kind" if kind in MANAGING else "pk").first()


def _joined(waiting: Letter, kind: Kind, subscription: Subscription, change: AddressChange | None) -> Letter:
    """One letter does for both. (One that asks for a yes names all that is pending when it goes out.)"""
    if change and waiting.change_id != change.pk:
        waiting.change = change
    if waiting.kind in TELLING and pair(subscription) not in waiting.covers:
        waiting.covers = [*waiting.covers, pair(subscription)]
    if kind == Kind.MANAGE:
        waiting.kind = kind
    waiting.save(update_fields=["change", "covers", "kind"])
    return waiting


def _is_said(kind: Kind, subscription: Subscription, earlier: LetterQuerySet, *, now: datetime) -> bool:
    """Whether a letter that was just sent says all that this one would."""
    match kind:
        case Kind.MANAGE:
            return earlier.filter(sent_at__gt=now - STILL_FRESH).exists()
        case Kind.WELCOME:
            since = now - DAY
        case Kind.CONFIRMATION:  # after a day's last one, its link still works
            since = now - (DAY if _is_used_up(subscription, earlier, now=now) else COOL_DOWN)
        case Kind.KNOWN:
            since, earlier = now - COOL_DOWN, earlier.filter(kind=kind)
        case _:
            return False
    said = earlier.filter(sent_at__gt=since).values_list("covers", flat=True)
    return any(_covers(kind, covers, subscription) for covers in said)


def _is_used_up(subscription: Subscription, earlier: LetterQuerySet, *, now: datetime) -> bool:
    """Whether a day's last mail that asks them to confirm has left."""
    if not earlier.filter(sent_at__gt=now - DAY).exists():
        return False
    to, yes = subscription.subscriber.email, last_yes(subscription.subscriber_id)
    return mailboxes.is_used_up(Kind.CONFIRMATION, to, now=now, yes=yes)


def _covers(kind: Kind, covers: list[str], subscription: Subscription) -> bool:
    if kind == Kind.WELCOME:  # whatever came between
        return any(each.partition(".")[0] == str(subscription.pk) for each in covers)
    return pair(subscription) in covers


def _due_at(
    kind: Kind,
    subscription: Subscription,
    earlier: LetterQuerySet,
    change: AddressChange | None,
    *,
    now: datetime,
) -> datetime:
    """Asked again when it leaves (`mailboxes.take`): others may have asked for the same mailbox meanwhile."""
    is_free = kind == Kind.WELCOME and is_pressed(subscription)
    to = change.new_email if change and kind == Kind.NEW_ADDRESS else subscription.subscriber.email
    yes = last_yes(subscription.subscriber_id)
    free = now if is_free else mailboxes.free_at(kind, to, now=now, yes=yes)
    return max(now, free, _own_turn(kind, earlier, now=now))


def _own_turn(kind: Kind, earlier: LetterQuerySet, *, now: datetime) -> datetime:
    """Of what a reader does again and again: leaving and coming back, naming one mailbox of others after the other."""
    if kind in {*CONFIRMING, *MANAGING}:
        return now
    sent = list(earlier.filter(sent_at__gt=now - DAY).order_by("-sent_at").values_list("sent_at", flat=True))
    turns = [now, *(at + COOL_DOWN for at in sent[:1] if at)]
    if kind == Kind.NEW_ADDRESS:
        turns += [at + DAY for at in sent[NEW_A_DAY - 1 : NEW_A_DAY] if at]
    return max(turns)
