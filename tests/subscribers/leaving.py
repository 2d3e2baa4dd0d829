"""What the tests of leaving share: the links in a reader's mail, and how a reader stands."""

from __future__ import annotations

from subscribers import tokens
from subscribers.models import ConsentEvent, Subscription


def path_of(subscription: Subscription, *, verb: str = "unsubscribe", mark: str = "") -> str:
    token = tokens.unsubscribe_token(subscription.pk, mark=mark)
    return f"/s/{verb}/{token}" if verb == "unsubscribe" else f"/s/{verb}/{token}/"


def back_path(subscription: Subscription, *, verb: str = "back") -> str:
    subscription.refresh_from_db()
    return f"/s/{verb}/{tokens.back_token(subscription)}/"


def fresh(subscription: Subscription) -> Subscription:
    return Subscription.objects.get(pk=subscription.pk)


def status_of(subscription: Subscription) -> str:
    return fresh(subscription).status


def events() -> list[tuple[str, str]]:
    return list(ConsentEvent.objects.order_by("pk").values_list("kind", "method"))
