"""Who it happens to, how, and what was written down of it."""

from __future__ import annotations

from subscribers.consent import Circumstances, Method
from subscribers.models import (
    ConsentEvent,
    Letter,
    Subscription,
)

Status = Subscription.Status
ADA = "ada@example.com"
BY_LINK = Circumstances(Method.LINK, network="192.0.2.0/24", agent="Firefox")
BY_FORM = Circumstances(Method.FORM)


def happened(subscription: Subscription) -> list[str]:
    events = ConsentEvent.objects.filter(subscriber=subscription.subscriber_id)
    return list(events.values_list("kind", flat=True))


def due(kind: str) -> int:
    return Letter.objects.filter(kind=kind, due_at__isnull=False).count()
