"""What may happen to a subscription. Every change that can race is one conditional UPDATE whose row count decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from subscribers import signals
from subscribers.models import Subscriber, Subscription, Suppression, address_key

if TYPE_CHECKING:
    from newsletter.models import Newsletter

Status = Subscription.Status
# One lifecycle mail per address and newsletter in this time, whatever is posted: a form must not become a weapon.
MAIL_COOL_DOWN = timedelta(hours=1)


def subscribe(
    newsletter: Newsletter, *, email: str, first_name: str = "", origin: str = Subscription.Origin.WEB
) -> Subscription:
    """Note that somebody asked for the newsletter; a mail is due to them unless one left within MAIL_COOL_DOWN.

    `email` is canonical. An active reader stays active, a reader who left must confirm again. The caller answers the
    same way in every case and then enqueues `tasks.send_lifecycle_mail` with the returned row's id.
    """
    now = timezone.now()
    with transaction.atomic():
        subscriber, _ = Subscriber.objects.get_or_create(
            email=email, defaults={"address_key": address_key(email), "first_name": first_name}
        )
        subscription, _ = Subscription.objects.get_or_create(
            subscriber=subscriber, newsletter=newsletter, defaults={"origin": origin, "requested_at": now}
        )
        rows = Subscription.objects.filter(pk=subscription.pk)
        rows.filter(Q(status=Status.UNSUBSCRIBED) | _lapsed(subscriber)).update(
            status=Status.PENDING, generation=F("generation") + 1, requested_at=now, mail_sent_at=None
        )
        rows.filter(_cooled_down(now), mail_due_at__isnull=True).update(mail_due_at=now, mail_asked_at=now)
    subscription.refresh_from_db()
    return subscription


def _cooled_down(now: datetime) -> Q:
    return Q(mail_sent_at__isnull=True) | Q(mail_sent_at__lte=now - MAIL_COOL_DOWN)


def _lapsed(subscriber: Subscriber) -> Q:
    """Active on paper, but not mailed since their address bounced: who asks again shows by confirming that it works."""
    found = Suppression.objects.filter(
        address_key=subscriber.address_key, reason__in=Suppression.LIFTED_BY_CONFIRMING
    )
    return Q(status=Status.ACTIVE) if found.exists() else Q(pk__in=[])


def confirm(subscription: Subscription, *, generation: int) -> bool:
    """Make a pending subscription active. False when there was nothing to do: confirmed before, or since left.

    The link's `generation` must be the subscription's: a link from before somebody left brings nobody back.
    """
    now = timezone.now()
    with transaction.atomic():
        changed = Subscription.objects.filter(
            pk=subscription.pk, status=Status.PENDING, generation=generation
        ).update(status=Status.ACTIVE, confirmed_at=now, mail_due_at=None)
        if changed:  # a reader who confirms anew has shown that the address works and that they want the mail
            Suppression.objects.filter(
                address_key=subscription.subscriber.address_key, reason__in=Suppression.LIFTED_BY_CONFIRMING
            ).delete()
    subscription.refresh_from_db()
    return changed == 1


def unsubscribe(subscription: Subscription, *, via: str = "") -> bool:
    """Take a reader off the newsletter, from any state. False when they had left before.

    Effective for every mail that is not yet handed over, of the issue that is going out too.
    """
    changed = (
        Subscription.objects.filter(pk=subscription.pk)
        .exclude(status=Status.UNSUBSCRIBED)
        .update(status=Status.UNSUBSCRIBED, unsubscribed_at=timezone.now(), mail_due_at=None)
    )
    subscription.refresh_from_db()
    if changed:
        signals.unsubscribed.send(Subscription, subscription=subscription, via=via)
    return changed == 1


def suppress(email: str, *, reason: Suppression.Reason) -> None:
    """Never mail this canonical address again, until its owner confirms anew or somebody lifts it (complaints).

    A complaint outweighs what was known before: only a person may lift it.
    """
    found, is_new = Suppression.objects.get_or_create(
        address_key=address_key(email), defaults={"reason": reason}
    )
    if not is_new and reason == Suppression.Reason.COMPLAINT != found.reason:
        Suppression.objects.filter(pk=found.pk).update(reason=reason)


def erase(subscriber: Subscriber) -> None:
    """Delete all we hold of a person, at once. The ledger keeps its counts; a keyed hash keeps imports from
    bringing them back, and only a sign-up of their own lifts it."""
    with transaction.atomic():
        suppress(subscriber.email, reason=Suppression.Reason.REQUEST)
        subscriber.delete()
