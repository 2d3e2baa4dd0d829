"""One receipt for a reader: what they agreed to, word for word, when, from where and how; and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.site import absolute_url
from subscribers.models import ConsentEvent, Subscription
from subscribers.proof import events
from subscribers.proof.events import iso

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.models import Newsletter
    from subscribers.models import Subscriber
    from subscribers.proof.events import Step

Kind = ConsentEvent.Kind
BEGINNINGS = frozenset({Kind.ASKED, Kind.IMPORTED})


@dataclass(frozen=True, slots=True)
class Part:
    """Of one newsletter."""

    subscription: Subscription
    told: list[ConsentEvent]

    @property
    def newsletter(self) -> Newsletter:
        return self.subscription.newsletter

    @property
    def steps(self) -> list[Step]:
        return [events.in_words(each) for each in self.told]

    @property
    def has_beginning(self) -> bool:
        """False of a reader from before proof was kept: whatever somebody has typed at a form since."""
        if not self.told or self.told[0].kind not in BEGINNINGS:
            return False
        confirmed_at = self.subscription.confirmed_at
        return confirmed_at is None or self.told[0].happened_at <= confirmed_at


@dataclass(frozen=True, slots=True)
class Receipt:
    subscriber: Subscriber
    known_since: datetime | None
    subscriptions: list[Subscription]
    told: list[ConsentEvent]

    @property
    def parts(self) -> list[Part]:
        return [Part(each, self._of(each.newsletter_id)) for each in self.subscriptions]

    @property
    def own(self) -> list[Step]:
        """Of the person, and of no one newsletter."""
        return [events.in_words(each) for each in self._of(None)]

    def _of(self, newsletter_id: int | None) -> list[ConsentEvent]:
        return [event for event in self.told if event.newsletter_id == newsletter_id]


def of(subscriber: Subscriber, *, newsletter_ids: list[int] | None, with_own: bool = True) -> Receipt:
    """Of these newsletters only (None: of all): as many queries, however much there is."""
    happened = events.of(subscriber).of(newsletter_ids)
    told = [event for event in happened if event.newsletter_id or with_own]
    subscriptions = _subscriptions(subscriber, newsletter_ids)
    since = subscriber.created_at if newsletter_ids is None else _earliest(subscriptions, told)
    return Receipt(subscriber, since, subscriptions, told)


def as_data(receipt: Receipt, *, now: datetime) -> dict[str, object]:
    """For a JSON file: the words of the database, times as ISO 8601."""
    return {
        "made_at": now.isoformat(),
        "made_by": absolute_url("/"),
        "address": receipt.subscriber.email,
        "known_since": iso(receipt.known_since),
        "subscriptions": [_standing(part) for part in receipt.parts],
        "events": [events.as_data(event) for event in receipt.told],
    }


def _subscriptions(subscriber: Subscriber, newsletter_ids: list[int] | None) -> list[Subscription]:
    found = Subscription.objects.with_both().filter(subscriber=subscriber)
    those = found if newsletter_ids is None else found.filter(newsletter__in=newsletter_ids)
    return list(those.order_by("newsletter__name", "pk"))


def _earliest(subscriptions: list[Subscription], told: list[ConsentEvent]) -> datetime | None:
    """Of what is shown: that somebody was known elsewhere before is nobody's business here."""
    asked = (each.requested_at for each in subscriptions)
    return min(filter(None, [*asked, *(event.happened_at for event in told)]), default=None)


def _standing(part: Part) -> dict[str, object]:
    each = part.subscription
    return {
        "newsletter": each.newsletter.slug,
        "status": each.status,
        "came_by": each.origin,
        "signed_up_at": iso(each.requested_at),
        "confirmed_at": iso(each.confirmed_at),
        "unsubscribed_at": iso(each.unsubscribed_at),
        "paused_until": iso(each.paused_until),
        "proof_from_the_beginning": part.has_beginning,
    }
