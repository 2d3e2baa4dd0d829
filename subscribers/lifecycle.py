"""What may happen to a subscription. Every change that can race is one conditional UPDATE whose row count decides.

Whoever asks for a letter locks the person first and the subscription then: in any order, two verbs about the same
reader could wait for each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, F, Q
from django.utils import timezone

from subscribers import barring, consent, letters, signals
from subscribers.barring import suppress
from subscribers.models import Letter, SignUp, Subscriber, Subscription, Suppression, address_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from newsletter.models import Newsletter
    from subscribers.consent import Circumstances

__all__ = ["UNDO_LIFE", "Wish", "confirm", "erase", "subscribe", "suppress", "take_back", "unsubscribe"]

Status = Subscription.Status
Kind = consent.Kind
# So long a leaving can be taken back by the page that says it is done, and by the goodbye mail.
UNDO_LIFE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody who signs up tells of themselves, beside the address."""

    first_name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    wording_id: int | None = None


NOTHING_SAID = Wish()


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
    `tasks.wake()`.
    """
    now = timezone.now()
    with transaction.atomic():
        subscriber = _person(email, wish)
        subscription, is_new = Subscription.objects.get_or_create(
            subscriber=subscriber,
            newsletter=newsletter,
            defaults={
                "origin": origin,
                "requested_at": now,
                "fields": dict(wish.fields),
                "source": dict(wish.source),
            },
        )
        subscription.subscriber, subscription.newsletter = subscriber, newsletter
        details: dict[str, object] = dict(wish.source)
        if not is_new and _ask_again(subscription, wish, now=now):
            details["confirms_anew"] = True
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


def _take_turns(subscriber_id: int) -> None:
    list(Subscriber.objects.select_for_update(no_key=True).filter(pk=subscriber_id).values_list("pk"))


def _ask_again(subscription: Subscription, wish: Wish, *, now: datetime) -> bool:
    """Whether a reader must confirm anew: the events that are told of them could not say it otherwise."""
    was = subscription.status
    rows = Subscription.objects.filter(pk=subscription.pk)
    if subscription.status == Status.PENDING:
        rows.filter(status=Status.PENDING).update(requested_at=now)
        _believe_the_last(subscription, wish)
    else:
        rows.filter(Q(status=Status.UNSUBSCRIBED) | barring.lapsed(subscription.subscriber)).update(
            status=Status.PENDING,
            generation=F("generation") + 1,
            requested_at=now,
            paused_until=None,
            left_as="",
        )
    subscription.refresh_from_db(
        from_queryset=Subscription.objects.select_related("subscriber", "newsletter")
    )
    return was != Status.PENDING == subscription.status


def _believe_the_last(subscription: Subscription, wish: Wish) -> None:
    """Of whom nobody has shown yet that the address is theirs, the last word counts: it is most likely the owner's,
    who finds the mail and presses its button."""
    person = Subscriber.objects.filter(pk=subscription.subscriber_id)
    theirs = Subscription.objects.filter(subscriber=subscription.subscriber_id, confirmed_at__isnull=False)
    if theirs.exists():
        return
    person.update(first_name=wish.first_name, language=wish.language)
    Subscription.objects.filter(pk=subscription.pk, status=Status.PENDING).update(
        fields=dict(wish.fields), source=dict(wish.source)
    )


def _needs_no_mail(subscription: Subscription) -> bool:
    return not subscription.newsletter.confirms_by_mail and not barring.keeps_out(subscription)


def _begin_at_once(subscription: Subscription, circumstances: Circumstances, *, now: datetime) -> None:
    Subscription.objects.filter(pk=subscription.pk).update(status=Status.ACTIVE, confirmed_at=now)
    subscription.status, subscription.confirmed_at = Status.ACTIVE, now
    consent.note(Kind.SINGLE, subscription, circumstances, at=now)
    letters.ask(Letter.Kind.WELCOME, subscription, now=now)


def _write_to(subscription: Subscription, *, now: datetime) -> None:
    is_known = subscription.status in {Status.ACTIVE, Status.PAUSED}
    letters.ask(Letter.Kind.KNOWN if is_known else Letter.Kind.CONFIRMATION, subscription, now=now)


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
        ).update(status=Status.ACTIVE, confirmed_at=now)
        if changed:
            barring.let_in(subscription, now=now)
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
    link that was used. A mail program's one click is two statements, whoever else reads or writes.
    """
    now = timezone.now()
    with transaction.atomic():
        changed = (
            Subscription.objects.filter(pk=subscription.pk)
            .exclude(status=Status.UNSUBSCRIBED)
            .update(status=Status.UNSUBSCRIBED, unsubscribed_at=now, left_as=F("status"))
        )
        if changed:
            subscription.status, subscription.unsubscribed_at = Status.UNSUBSCRIBED, now
            consent.note(
                Kind.LEFT, subscription, circumstances, at=now, details={"dispatch": via} if via else None
            )
    if changed:
        signals.unsubscribed.send(Subscription, subscription=subscription, via=via)
    else:
        _reread(subscription)
    return changed == 1


def take_back(
    subscription: Subscription, *, left_at: datetime, kind: Kind, circumstances: Circumstances
) -> bool:
    """As if the reader had not left at `left_at`: what they were before, they are again. False when that is over.

    For the reader's own second thought (CAME_BACK, from the page that answered their leaving, or from their own
    mailbox) and for leavings that a machine did (BROUGHT_BACK, by the publisher). Not after a later leaving, not after
    UNDO_LIFE, and not for whom an erasure, a bounce or a complaint keeps out: only a new sign-up ends that.
    """
    now = timezone.now()
    suppressed = Suppression.objects.filter(address_key=subscription.subscriber.address_key)
    with transaction.atomic():
        changed = (
            Subscription.objects.filter(
                ~Exists(suppressed),
                pk=subscription.pk,
                status=Status.UNSUBSCRIBED,
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
        suppress(subscriber.email, reason=Suppression.Reason.REQUEST)
        SignUp.objects.filter(email=subscriber.email).delete()
        signals.erasing.send(Subscriber, subscriber=subscriber)
        subscriber.delete()


def _reread(subscription: Subscription) -> None:
    """One that was deleted meanwhile is nobody's any more."""
    try:
        subscription.refresh_from_db(
            from_queryset=Subscription.objects.select_related("subscriber", "newsletter")
        )
    except Subscription.DoesNotExist:
        subscription.status = Status.UNSUBSCRIBED
