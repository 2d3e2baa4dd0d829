"""Who must not be mailed whatever a subscription says, and what ends that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, Q

from newsletter.models import Newsletter
from subscribers import consent
from subscribers.models import ConsentEvent, KeptOut, Subscriber, Subscription, Suppression, address_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

Status = Subscription.Status
Reason = Suppression.Reason
BY_WEIGHT = (Reason.HARD_BOUNCE, Reason.REQUEST, Reason.COMPLAINT)


def suppress(email: str, *, reason: Suppression.Reason) -> None:
    """Never mail this canonical address again, until its owner confirms anew or somebody lifts it (complaints).

    A complaint outweighs what was known before, and a person's own wish a bounce: only a person may lift a complaint.
    """
    suppress_key(address_key(email), reason=reason)


def suppress_key(key: str, *, reason: Suppression.Reason) -> None:
    """The same of an address of which only the keyed hash is known."""
    found, is_new = Suppression.objects.get_or_create(address_key=key, defaults={"reason": reason})
    if not is_new:
        lighter = BY_WEIGHT[: BY_WEIGHT.index(reason)]
        Suppression.objects.filter(pk=found.pk, reason__in=lighter).update(reason=reason)


def suppress_person(subscriber: Subscriber, *, reason: Suppression.Reason) -> None:
    """Under every address that was theirs. Before what tells of their moves is deleted.

    Not where an address has become somebody else's since.
    """
    suppress(subscriber.email, reason=reason)
    keys = earlier_keys([subscriber.pk]).get(subscriber.pk, set())
    for key in keys.difference(
        Subscriber.objects.filter(address_key__in=keys).values_list("address_key", flat=True)
    ):
        suppress_key(key, reason=reason)


def earlier_keys(subscriber_ids: Iterable[int]) -> dict[int, set[str]]:
    """By which keyed hashes these people were known before they moved; only of those who did."""
    found: dict[int, set[str]] = {}
    moves = ConsentEvent.objects.filter(kind=consent.Kind.MOVED, subscriber__in=list(subscriber_ids))
    for subscriber_id, details in moves.values_list("subscriber_id", "details"):
        found.setdefault(subscriber_id, set()).add(str(details.get("from_key")))
    return found


def keeps_out(subscription: Subscription) -> bool:
    """Suppressed, or gone from this newsletter before: only their own mailbox can say that they want it again."""
    key = subscription.subscriber.address_key
    left = KeptOut.objects.filter(newsletter=subscription.newsletter_id, address_key=key)
    return left.exists() or Suppression.objects.filter(address_key=key).exists()


def lapsed(subscriber: Subscriber) -> Q:
    """Active on paper, but not mailed since their address bounced: who asks again shows by confirming that it works."""
    found = Suppression.objects.filter(
        address_key=subscriber.address_key, reason__in=Suppression.LIFTED_BY_CONFIRMING
    )
    return Q(status__in=Subscription.READING) & Q(Exists(found))


def let_in(subscription: Subscription, *, now: datetime) -> None:
    """Who confirms has shown that the address works and that they want it: nothing keeps them out of this newsletter.

    Call it in the transaction that confirms. A complaint stands.
    """
    key = subscription.subscriber.address_key
    KeptOut.objects.filter(newsletter=subscription.newsletter_id, address_key=key).delete()
    found = Suppression.objects.filter(address_key=key, reason__in=Suppression.LIFTED_BY_CONFIRMING).first()
    if found is None:
        return
    # By its reason, too: a complaint that comes in at this moment is no longer what was found.
    lifted, _ = Suppression.objects.filter(pk=found.pk, reason=found.reason).delete()
    if lifted and found.reason == Reason.REQUEST:
        _leave_the_others(subscription, asked_at=found.suppressed_at, now=now)


def _leave_the_others(subscription: Subscription, *, asked_at: datetime, now: datetime) -> None:
    """They had asked to be mailed by nobody here, and now want this one newsletter. The others stay as they asked: no
    import may bring them there either."""
    theirs = Subscription.objects.filter(subscriber=subscription.subscriber_id)
    others = theirs.reading().exclude(pk=subscription.pk)
    theirs.exclude(left_as="").update(left_as="")  # nor may an undo of what they had left before
    elsewhere = Newsletter.objects.exclude(subscriptions__subscriber=subscription.subscriber_id)
    key = subscription.subscriber.address_key
    KeptOut.objects.bulk_create(
        (KeptOut(newsletter=newsletter, address_key=key) for newsletter in elsewhere), ignore_conflicts=True
    )
    for other in others:
        gone = {"status": Status.UNSUBSCRIBED, "unsubscribed_at": now, "left_as": "", "paused_until": None}
        if others.filter(pk=other.pk).update(**gone):
            details = {"asked": asked_at.isoformat()}
            consent.note(consent.Kind.LEFT, other, consent.AT_THE_DESK, at=now, details=details)
