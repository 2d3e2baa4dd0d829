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
    ConsentEvent,
    KeptOut,
    Letter,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from newsletter.models import Newsletter

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
    rows = Subscription.objects.filter(subscriber=subscriber).select_related("newsletter").order_by("pk")
    return [
        {
            "newsletter": _named(each.newsletter),
            "status": each.status,
            "frequency": each.frequency,
            "came_by": each.origin,
            "source": each.source,
            "fields": each.fields,
            "signed_up_at": _at(each.requested_at),
            "confirmed_at": _at(each.confirmed_at),
            "paused_until": _at(each.paused_until),
            "unsubscribed_at": _at(each.unsubscribed_at),
        }
        for each in rows
    ]


def _consent(subscriber: Subscriber) -> list[Held]:
    rows = ConsentEvent.objects.filter(subscriber=subscriber).select_related("newsletter", "wording")
    return [
        {
            "what": each.kind,
            "how": each.method,
            "when": _at(each.happened_at),
            "newsletter": _named(each.newsletter),
            "network": each.network,
            "program": each.agent,
            "page_language": each.language,
            "agreed_to": each.wording
            and {
                "text": each.wording.text,
                "version": each.wording.version,
                "language": each.wording.language,
            },
            "details": {name: value for name, value in each.details.items() if name not in OUR_OWN},
        }
        for each in rows.order_by("happened_at", "pk")
    ]


def _letters(subscriber: Subscriber) -> list[Held]:
    rows = Letter.objects.filter(subscriber=subscriber).select_related("newsletter").order_by("pk")
    return [
        {
            "kind": each.kind,
            "newsletter": _named(each.newsletter),
            "due_at": _at(each.due_at),
            "sent_at": _at(each.sent_at),
        }
        for each in rows
    ]


def _address_changes(subscriber: Subscriber) -> list[Held]:
    return [
        {
            "new_address": each.new_email,
            "asked_at": _at(each.asked_at),
            "old_address_agreed_at": _at(each.old_agreed_at),
            "new_address_agreed_at": _at(each.new_agreed_at),
            "ended_at": _at(each.ended_at),
        }
        for each in AddressChange.objects.filter(subscriber=subscriber).order_by("pk")
    ]


def _sign_ups(subscriber: Subscriber) -> list[Held]:
    """Posted at a form, and not taken in yet."""
    return [
        {
            "posted_at": _at(each.posted_at),
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
    return [{"reason": each.reason, "since": _at(each.suppressed_at)} for each in rows]


def _kept_out(subscriber: Subscriber) -> list[Held]:
    rows = KeptOut.objects.filter(address_key=subscriber.address_key).select_related("newsletter")
    return [{"newsletter": _named(each.newsletter), "since": _at(each.since)} for each in rows.order_by("pk")]


def _named(newsletter: Newsletter | None) -> str | None:
    return newsletter.slug if newsletter else None


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
