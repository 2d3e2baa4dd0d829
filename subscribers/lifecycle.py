"""What may happen to a subscription. Every change that can race is one conditional UPDATE whose row count decides.

Whoever asks for a letter locks the person first and the subscription then: in any order, two verbs about the same
reader could wait for each other.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from subscribers import barring, consent, letters, signals, traces, wishes
from subscribers.barring import suppress
from subscribers.guard import sieges
from subscribers.models import (
    ConsentEvent,
    Letter,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
    address_key,
    mark_as_left,
)
from subscribers.wishes import NOTHING_SAID, Wish

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.models import Newsletter
    from subscribers.consent import Circumstances

__all__ = [
    "UNDO_LIFE",
    "Wish",
    "confirm",
    "erase",
    "is_same_press",
    "subscribe",
    "suppress",
    "take_back",
    "unsubscribe",
]

Status = Subscription.Status
Kind = consent.Kind
# So long a leaving can be taken back by the page that says it is done, and by the goodbye mail.
UNDO_LIFE = timedelta(days=30)
# A second press from the same network within so long is taken for the same one: a double click, a page that was loaded
# again. Later, whoever holds the link may be somebody else.
SAME_PRESS = timedelta(minutes=5)


def subscribe(
    newsletter: Newsletter,
    *,
    email: str,
    wish: Wish = NOTHING_SAID,
    origin: str = Subscription.Origin.WEB,
    circumstances: Circumstances = consent.AT_THE_DESK,
) -> Subscription:
    """Note that somebody asked for the newsletter; a mail is due to them, at the latest when the cool-down is over.

    `email` is canonical. An active reader stays active; a reader who left must confirm again, and so must everybody
    else, unless the newsletter does without (Newsletter.confirms_by_mail). What a stranger could have typed changes
    nothing that is known of a reader already. The caller answers the same way in every case, and then calls
    `tasks.wake`.
    """
    now = timezone.now()
    with transaction.atomic():
        subscriber = _person(email, wish)
        subscription, is_new = _relation(subscriber, newsletter, wish, origin=origin, now=now)
        told = {} if is_new else _ask_again(subscription, wish, now=now)
        details = {**wish.source, **told}
        consent.note(
            Kind.ASKED, subscription, circumstances, at=now, wording_id=wish.wording_id, details=details
        )
        if is_new and origin == Subscription.Origin.WEB and _needs_no_mail(subscription):
            _begin_at_once(subscription, circumstances, now=now)
        else:
            _write_to(subscription, now=now)
    return subscription


def _person(email: str, wish: Wish) -> Subscriber:
    """Found or new, and locked: two posts for the same address take turns."""
    taking_turns = Subscriber.objects.select_for_update(no_key=True).filter(email=email)
    while (found := taking_turns.first()) is None:
        new = Subscriber(
            email=email,
            address_key=address_key(email),
            first_name=wish.first_name,
            language=wish.language,
        )
        Subscriber.objects.bulk_create([new], ignore_conflicts=True)
    return found


def _relation(
    subscriber: Subscriber, newsletter: Newsletter, wish: Wish, *, origin: str, now: datetime
) -> tuple[Subscription, bool]:
    """Of this person to this newsletter, and whether it is new."""
    told = {"fields": dict(wish.fields), "source": dict(wish.source)}
    found, is_new = Subscription.objects.get_or_create(
        subscriber=subscriber,
        newsletter=newsletter,
        defaults={"origin": origin, "requested_at": now, **told},
    )
    found.subscriber, found.newsletter = subscriber, newsletter
    return found, is_new


def _take_turns(subscriber_id: int) -> None:
    list(Subscriber.objects.select_for_update(no_key=True).filter(pk=subscriber_id).values_list("pk"))


def _ask_again(subscription: Subscription, wish: Wish, *, now: datetime) -> dict[str, object]:
    """For the event: whether it was but the mail that they asked for again; whether a reader must confirm anew (the
    events that are told of them could not say it otherwise); and what they said, as long as nobody has shown that it
    was they.

    Whoever left by the page keeps the way back until the sign-up is confirmed: anybody may have typed their address.
    """
    was, is_believed = subscription.status, False
    rows = Subscription.objects.filter(pk=subscription.pk)
    if subscription.status == Status.PENDING:
        rows.filter(status=Status.PENDING).update(requested_at=now)
        is_believed = wishes.believe_the_last(subscription, wish)
    else:
        rows.filter(Q(status=Status.UNSUBSCRIBED) | barring.lapsed(subscription.subscriber)).update(
            status=Status.PENDING, generation=F("generation") + 1, requested_at=now
        )
    subscription.refresh_from_db(from_queryset=Subscription.objects.with_both())
    told: dict[str, object] = {"again": True} if wish.is_again else {}
    if subscription.status != Status.PENDING:
        return told
    if was != Status.PENDING:  # what "again" would repeat is over: it was pressed in an old tab
        told = {"confirms_anew": True}
    return told if is_believed else told | wishes.until_confirmed(subscription, wish)


def _needs_no_mail(subscription: Subscription) -> bool:
    """In a siege all are asked: who signs others up would have them mailed."""
    newsletter = subscription.newsletter
    if newsletter.confirms_by_mail or sieges.is_on(newsletter.pk, now=timezone.now()):
        return False
    return not barring.keeps_out(subscription)


def _begin_at_once(subscription: Subscription, circumstances: Circumstances, *, now: datetime) -> None:
    Subscription.objects.filter(pk=subscription.pk).update(status=Status.ACTIVE, confirmed_at=now)
    subscription.status, subscription.confirmed_at = Status.ACTIVE, now
    consent.note(Kind.SINGLE, subscription, circumstances, at=now)
    letters.ask(Letter.Kind.WELCOME, subscription, now=now)


def _write_to(subscription: Subscription, *, now: datetime) -> None:
    kind = Letter.Kind.KNOWN if subscription.is_reading else Letter.Kind.CONFIRMATION
    letters.ask(kind, subscription, now=now)


def confirm(
    subscription: Subscription,
    *,
    generation: int,
    circumstances: Circumstances = consent.AT_THE_DESK,
) -> bool:
    """Make a pending subscription active. False when there was nothing to do: confirmed before, or since left.

    The link's `generation` must be the subscription's: a link from before somebody left brings nobody back.
    """
    now = timezone.now()
    with transaction.atomic():
        _take_turns(subscription.subscriber_id)
        changed = Subscription.objects.filter(
            pk=subscription.pk, status=Status.PENDING, generation=generation
        ).update(status=Status.ACTIVE, confirmed_at=now, paused_until=None, left_as="")
        if changed:
            barring.let_in(subscription, now=now)
            wishes.fulfil(subscription, generation=generation, method=circumstances.method)
            consent.note(Kind.CONFIRMED, subscription, circumstances, at=now)
            letters.ask(Letter.Kind.WELCOME, subscription, now=now)
    _reread(subscription)
    return changed == 1


def unsubscribe(
    subscription: Subscription,
    *,
    via: str = "",
    circumstances: Circumstances = consent.AT_THE_DESK,
) -> bool:
    """Take a reader off the newsletter, from any state. False when they had left before.

    Effective for every mail that is not yet handed over, of the issue that is going out too. `via`: the mark of the
    link that was used. Of `subscription` nothing but its number need be loaded (`unloaded_subscription`): a mail
    program's one click is two statements, whoever else reads or writes.

    Only a press of the page's button can be taken back: whoever forwarded a mail, or has a machine look at it, may not
    have pressed it themselves. Whoever leaves after that means it, and then nothing brings them back.
    """
    now = timezone.now()
    can_come_back = circumstances.method == consent.Method.LINK
    with transaction.atomic():
        left = mark_as_left(subscription.pk, at=now, can_come_back=can_come_back)
        if left:
            subscription.subscriber_id, subscription.newsletter_id, subscription.left_as = left
            subscription.status, subscription.unsubscribed_at = Status.UNSUBSCRIBED, now
        if left or _leave_for_good(subscription, circumstances, now=now):
            details = {"dispatch": via} if via else None
            consent.note(Kind.LEFT, subscription, circumstances, at=now, details=details)
    if left:
        signals.unsubscribed.send(Subscription, subscription=subscription, via=via)
    else:
        _reread(subscription)
    return left is not None


def _leave_for_good(subscription: Subscription, circumstances: Circumstances, *, now: datetime) -> bool:
    """Whoever had left already, by a press that could be taken back, cannot come back by it any more."""
    if is_same_press(subscription, circumstances, now=now):
        return False
    had_left = Subscription.objects.filter(pk=subscription.pk, status=Status.UNSUBSCRIBED)
    return had_left.exclude(left_as="").update(left_as="") == 1


def is_same_press(subscription: Subscription, circumstances: Circumstances, *, now: datetime) -> bool:
    """Whether they left just now by the page's button, from the network that this comes from, too."""
    if circumstances.method != consent.Method.LINK:
        return False
    pressed = ConsentEvent.objects.filter(
        subscriber=subscription.subscriber_id,
        newsletter=subscription.newsletter_id,
        kind=Kind.LEFT,
        method=consent.Method.LINK,
        network=circumstances.network,
        happened_at=OuterRef("unsubscribed_at"),
    )
    lately = Subscription.objects.filter(unsubscribed_at__gt=now - SAME_PRESS, status=Status.UNSUBSCRIBED)
    return lately.filter(Exists(pressed), pk=subscription.pk).exists()


def take_back(
    subscription: Subscription, *, left_at: datetime, kind: Kind, circumstances: Circumstances
) -> bool:
    """As if the reader had not left at `left_at`: what they were before, they are again. False when that is over.

    For the reader's own second thought (CAME_BACK, from the page that answered their leaving, or from their own
    mailbox) and for leavings that a machine did (BROUGHT_BACK, by the publisher). Not after a later leaving or a
    confirmation (`left_as` is empty then), not after UNDO_LIFE, and not for whom an erasure, a bounce or a complaint
    keeps out: only a new sign-up ends that.
    """
    now = timezone.now()
    suppressed = Suppression.objects.filter(address_key=subscription.subscriber.address_key)
    with transaction.atomic():
        changed = (
            Subscription.objects.filter(
                ~Exists(suppressed),
                pk=subscription.pk,
                status__in=[Status.UNSUBSCRIBED, Status.PENDING],
                unsubscribed_at=left_at,
                unsubscribed_at__gt=now - UNDO_LIFE,
            )
            .exclude(left_as="")
            .update(status=F("left_as"), unsubscribed_at=None, left_as="")
        )
        if changed:
            details = {"left": left_at.isoformat()}
            consent.note(kind, subscription, circumstances, at=now, details=details)
    _reread(subscription)
    return changed == 1


def erase(subscriber: Subscriber) -> None:
    """Delete all we hold of a person, at once. The ledger keeps its counts; a keyed hash keeps imports from
    bringing them back, and only a sign-up of their own lifts it."""
    with transaction.atomic():
        _take_turns(subscriber.pk)
        # Who leaves at this moment writes an event of this person: before this, or not at all.
        list(Subscription.objects.select_for_update().filter(subscriber=subscriber).values_list("pk"))
        barring.suppress_person(subscriber, reason=Suppression.Reason.REQUEST)
        SignUp.objects.filter(email=subscriber.email).delete()
        signals.erasing.send(Subscriber, subscribers=[subscriber])
        traces.take_out([subscriber])
        subscriber.delete()


def _reread(subscription: Subscription) -> None:
    """One that was deleted meanwhile is nobody's any more. Of what was never loaded, nobody has seen an old state."""
    if subscription.get_deferred_fields():
        return
    try:
        subscription.refresh_from_db(from_queryset=Subscription.objects.with_both())
    except Subscription.DoesNotExist:
        subscription.status = Status.UNSUBSCRIBED
