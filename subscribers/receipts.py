"""One receipt for a reader: what they agreed to, word for word, when, from where and how; and what became of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from newsletter.site import absolute_url
from subscribers.models import ConsentEvent, Subscriber, Subscription

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from newsletter.models import Newsletter
    from subscribers.models import Wording

Kind = ConsentEvent.Kind
BEGINNINGS = frozenset({Kind.ASKED, Kind.IMPORTED})
# What is told of an event beside the rest, in this order. Other keys are in the file only.
LABELS: dict[str, str | Promise] = {
    "by": _("By"),
    "file": _("File"),
    "consent": _("What the publisher says of it"),
    "page": _("Page"),
    "referrer": _("Came from"),
    "utm_source": _("Source"),
    "utm_campaign": _("Campaign"),
    "ref": _("Referred by"),
    "until": _("Until"),
    "frequency": _("Gets"),
    "chosen": _("Language"),
    "from": _("Before"),
    "reason": _("Reason"),
    "words": _("In their words"),
}


@dataclass(frozen=True, slots=True)
class Step:
    kind: str
    what: str
    how: str
    at: datetime
    network: str
    agent: str
    wording: Wording | None
    is_wording_unknown: bool
    details: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Part:
    """Of one newsletter."""

    subscription: Subscription
    steps: list[Step]

    @property
    def newsletter(self) -> Newsletter:
        return self.subscription.newsletter

    @property
    def has_beginning(self) -> bool:
        """False of a reader from before proof was kept: whatever somebody has typed at a form since."""
        if not self.steps or self.steps[0].kind not in BEGINNINGS:
            return False
        confirmed_at = self.subscription.confirmed_at
        return confirmed_at is None or self.steps[0].at <= confirmed_at


@dataclass(frozen=True, slots=True)
class Receipt:
    subscriber: Subscriber
    parts: list[Part]
    own: list[Step]  # of the person, and of no one newsletter


def of(subscriber: Subscriber, *, newsletter_ids: list[int] | None, with_own: bool = True) -> Receipt:
    """Of these newsletters only (None: of all): three queries, however much there is."""
    subscriptions = _subscriptions(subscriber, newsletter_ids)
    steps: dict[int | None, list[Step]] = defaultdict(list)
    for event in _events(subscriber, newsletter_ids):
        steps[event.newsletter_id].append(_step(event))
    parts = [Part(each, steps[each.newsletter_id]) for each in subscriptions]
    return Receipt(subscriber, parts, steps[None] if with_own else [])


def as_plain(receipt: Receipt, *, newsletter_ids: list[int] | None, now: datetime) -> dict[str, object]:
    """For a JSON file: the words of the database, times as ISO 8601."""
    subscriber = receipt.subscriber
    found = _events(subscriber, newsletter_ids)
    events = [event for event in found if event.newsletter_id or receipt.own]
    since = subscriber.created_at if newsletter_ids is None else _earliest(receipt, events)
    return {
        "made_at": now.isoformat(),
        "made_by": absolute_url("/"),
        "address": subscriber.email,
        "known_since": _at(since),
        "subscriptions": [_standing(part) for part in receipt.parts],
        "events": [_plain(event) for event in events],
    }


def _earliest(receipt: Receipt, events: list[ConsentEvent]) -> datetime | None:
    """Of what is shown: that somebody was known elsewhere before is nobody's business here."""
    asked = (part.subscription.requested_at for part in receipt.parts)
    return min(filter(None, [*asked, *(event.happened_at for event in events)]), default=None)


def _subscriptions(subscriber: Subscriber, newsletter_ids: list[int] | None) -> list[Subscription]:
    found = Subscription.objects.filter(subscriber=subscriber).select_related("subscriber", "newsletter")
    those = found if newsletter_ids is None else found.filter(newsletter__in=newsletter_ids)
    return list(those.order_by("newsletter__name", "pk"))


def _events(subscriber: Subscriber, newsletter_ids: list[int] | None) -> list[ConsentEvent]:
    found = ConsentEvent.objects.filter(subscriber=subscriber).of(newsletter_ids)
    return list(found.select_related("newsletter", "wording"))


def _step(event: ConsentEvent) -> Step:
    details = event.details if isinstance(event.details, dict) else {}
    return Step(
        kind=event.kind,
        what=event.get_kind_display(),
        how=event.get_method_display(),
        at=event.happened_at,
        network=event.network,
        agent=event.agent,
        wording=event.wording,
        is_wording_unknown=event.kind == Kind.ASKED
        and event.method == ConsentEvent.Method.FORM
        and event.wording_id is None,
        details=[
            (str(label), _in_words(name, str(details[name])))
            for name, label in LABELS.items()
            if details.get(name)
        ],
    )


def _in_words(name: str, value: str) -> str:
    match name:
        case "until":
            return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M}"
        case "frequency" if value in Subscription.Frequency:
            return str(Subscription.Frequency(value).label)
        case "chosen":
            return dict(settings.READER_LANGUAGES).get(value, value)
    return value


def _standing(part: Part) -> dict[str, object]:
    each = part.subscription
    return {
        "newsletter": each.newsletter.slug,
        "status": each.status,
        "came_by": each.origin,
        "signed_up_at": _at(each.requested_at),
        "confirmed_at": _at(each.confirmed_at),
        "unsubscribed_at": _at(each.unsubscribed_at),
        "paused_until": _at(each.paused_until),
        "proof_from_the_beginning": part.has_beginning,
    }


def _plain(event: ConsentEvent) -> dict[str, object]:
    return {
        "what": event.kind,
        "how": event.method,
        "when": event.happened_at.isoformat(),
        "newsletter": event.newsletter and event.newsletter.slug,
        "network": event.network,
        "program": event.agent,
        "page_language": event.language,
        "agreed_to": event.wording
        and {
            "text": event.wording.text,
            "version": event.wording.version,
            "language": event.wording.language,
            "sha256": event.wording.digest,
        },
        "details": event.details,
    }


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
