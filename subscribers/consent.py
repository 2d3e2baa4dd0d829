"""The proof of consent: what was agreed to, when, from where and how, written once (ConsentEvent, Wording)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from subscribers.models import ConsentEvent, Subscriber

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from subscribers.models import Subscription

Kind = ConsentEvent.Kind
Method = ConsentEvent.Method


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How something came to be: made by a view of its request (subscribers.views.asking), or by whoever else acts."""

    method: Method
    network: str = ""  # 192.0.2.0/24, 2001:db8:1::/48
    agent: str = ""
    language: str = ""  # that the page spoke
    details: Mapping[str, object] = field(default_factory=dict)


BY_CLOCK = Circumstances(Method.CLOCK)
BY_PROVIDER = Circumstances(Method.PROVIDER)
AT_THE_DESK = Circumstances(Method.EDITOR)


def at_the_desk(by: str) -> Circumstances:
    """`by`: the username of who did it."""
    return Circumstances(Method.EDITOR, details={"by": by})


def note(
    kind: Kind,
    whose: Subscription | Subscriber,
    circumstances: Circumstances,
    *,
    at: datetime,
    wording_id: int | None = None,
    details: Mapping[str, object] | None = None,
) -> ConsentEvent:
    """Write down what happened to one subscription, or to what is a person's, and no one newsletter's: their address,
    their language. Call it in the transaction in which it happens."""
    written = event(kind, whose, circumstances, at=at, wording_id=wording_id, details=details)
    written.save(force_insert=True)
    return written


def event(
    kind: Kind,
    whose: Subscription | Subscriber,
    circumstances: Circumstances,
    *,
    at: datetime,
    wording_id: int | None = None,
    details: Mapping[str, object] | None = None,
) -> ConsentEvent:
    """Not written yet: for many at once. Asks the database nothing."""
    if isinstance(whose, Subscriber):
        subscriber_id, newsletter_id = whose.pk, None
    else:
        subscriber_id, newsletter_id = whose.subscriber_id, whose.newsletter_id
    return ConsentEvent(
        kind=kind,
        method=circumstances.method,
        subscriber_id=subscriber_id,
        newsletter_id=newsletter_id,
        happened_at=at,
        network=circumstances.network,
        agent=circumstances.agent,
        language=circumstances.language,
        wording_id=wording_id,
        details={**circumstances.details, **(details or {})},
    )
