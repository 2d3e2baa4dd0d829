"""Everything that is held of a person, as plain values for JSON: their right (GDPR Articles 15 and 20), and their copy.

The keys are documented in docs/operate.md and stay. Times are ISO 8601; words like "active" are those of the database,
the same in every language. What higher layers hold they add themselves (signals.collecting).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from newsletter.site import absolute_url
from subscribers import signals
from subscribers.models import (
    AddressChange,
    KeptOut,
    Letter,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
)
from subscribers.proof import events
from subscribers.proof.events import iso, slug_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from subscribers.models import ConsentEvent

Held = dict[str, object]
# Of the team and its work, not of the reader: who of them did it, from which file, in which burst.
OUR_OWN = frozenset({"by", "file", "burst"})


def everything(subscriber: Subscriber, *, now: datetime) -> Held:
    held: Held = {
        "made_at": now.isoformat(),
        "made_by": absolute_url("/"),
        "person": {
            "address": subscriber.email,
            "first_name": subscriber.first_name,
            "language": subscriber.language,
            "known_since": subscriber.created_at.isoformat(),
        },
        "subscriptions": _subscriptions(subscriber),
        "consent": _consent(subscriber),
        "letters": _letters(subscriber),
        "address_changes": _address_changes(subscriber),
        "sign_ups_waiting": _sign_ups(subscriber),
        "not_mailed": _suppressions(subscriber),
        "kept_out_of": _kept_out(subscriber),
    }
    answers: Iterable[tuple[Any, Any]] = signals.collecting.send(Subscriber, subscriber=subscriber)
    for _, more in answers:
        held |= more
    return held


def _subscriptions(subscriber: Subscriber) -> list[Held]:
    found = Subscription.objects.filter(subscriber=subscriber).select_related("newsletter")
    rows = found.prefetch_related("newsletter__reader_fields").order_by("pk")
    return [
        {
            "newsletter": slug_of(each.newsletter),
            "status": each.status,
            "frequency": each.frequency,
            "came_by": each.origin,
            "source": each.source,
            "fields": _in_order(each),
            "signed_up_at": iso(each.requested_at),
            "confirmed_at": iso(each.confirmed_at),
            "paused_until": iso(each.paused_until),
            "unsubscribed_at": iso(each.unsubscribed_at),
        }
        for each in rows
    ]


def _in_order(subscription: Subscription) -> Held:
    """The publisher's, and what the newsletter has no field for any more after it."""
    names = [field.name for field in subscription.newsletter.reader_fields.all()]
    fields: Held = subscription.fields
    return {name: fields[name] for name in names if name in fields} | fields


def _consent(subscriber: Subscriber) -> list[Held]:
    told = events.of(subscriber).order_by("happened_at", "pk")
    return [events.as_data(each) | {"details": _of_theirs(each)} for each in told]


def _of_theirs(event: ConsentEvent) -> Held:
    return {name: value for name, value in event.details.items() if name not in OUR_OWN}


def _letters(subscriber: Subscriber) -> list[Held]:
    rows = Letter.objects.filter(subscriber=subscriber).select_related("newsletter").order_by("pk")
    return [
        {
            "kind": each.kind,
            "newsletter": slug_of(each.newsletter),
            "due_at": iso(each.due_at),
            "sent_at": iso(each.sent_at),
        }
        for each in rows
    ]


def _address_changes(subscriber: Subscriber) -> list[Held]:
    return [
        {
            "new_address": each.new_email,
            "asked_at": iso(each.asked_at),
            "old_address_agreed_at": iso(each.old_agreed_at),
            "new_address_agreed_at": iso(each.new_agreed_at),
            "ended_at": iso(each.ended_at),
        }
        for each in AddressChange.objects.filter(subscriber=subscriber).order_by("pk")
    ]


def _sign_ups(subscriber: Subscriber) -> list[Held]:
    """Posted at a form, and not taken in yet."""
    return [
        {
            "posted_at": iso(each.posted_at),
            "first_name": each.first_name,
            "fields": each.fields,
            "source": each.source,
            "page_language": each.language,
            "network": each.network,
            "program": each.agent,
        }
        for each in SignUp.objects.filter(email=subscriber.email).order_by("pk")
    ]


def _suppressions(subscriber: Subscriber) -> list[Held]:
    """By the keyed hash of the address; empty where nothing stands against mailing it."""
    rows = Suppression.objects.filter(address_key=subscriber.address_key)
    return [{"reason": each.reason, "since": iso(each.suppressed_at)} for each in rows]


def _kept_out(subscriber: Subscriber) -> list[Held]:
    rows = KeptOut.objects.filter(address_key=subscriber.address_key).select_related("newsletter")
    return [
        {"newsletter": slug_of(each.newsletter), "since": iso(each.since)} for each in rows.order_by("pk")
    ]
