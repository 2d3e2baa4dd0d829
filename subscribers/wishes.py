"""What somebody who signs up tells of themselves, and from when on it counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from subscribers.models import ConsentEvent, Subscriber, Subscription

if TYPE_CHECKING:
    from collections.abc import Mapping

Status = Subscription.Status
Method = ConsentEvent.Method
OF_THE_PRESS = frozenset({"wording_id", "is_again"})  # and not of the person
# Pressed in the person's own mailbox, or on the page that a link in it opens.
BY_THEMSELVES = (Method.LINK, Method.MANAGE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody who signs up tells of themselves, beside the address."""

    first_name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    wording_id: int | None = None
    is_again: bool = False  # "send it again", pressed on the page after the form


NOTHING_SAID = Wish()


def believe_the_last(subscription: Subscription, wish: Wish) -> bool:
    """Of whom nobody has shown yet that the address is theirs, the last word counts: it is most likely the owner's,
    who finds the mail and presses its button. False of whom is known: nothing is changed."""
    person = Subscriber.objects.filter(pk=subscription.subscriber_id)
    theirs = Subscription.objects.filter(subscriber=subscription.subscriber_id, confirmed_at__isnull=False)
    if theirs.exists():
        return False
    person.update(first_name=wish.first_name, language=wish.language)
    Subscription.objects.filter(pk=subscription.pk, status=Status.PENDING).update(
        fields=dict(wish.fields), source=dict(wish.source)
    )
    return True


def until_confirmed(subscription: Subscription, wish: Wish) -> dict[str, object]:
    """For the details of the event that somebody asked: anybody can have typed it, so it waits for their yes."""
    told = {name: value for name, value in asdict(wish).items() if value and name not in OF_THE_PRESS}
    return {"wish": {**told, "generation": subscription.generation}} if told else {}


def fulfil(subscription: Subscription, *, generation: int, method: Method) -> None:
    """Their own yes makes the last wish theirs. What it does not speak of stays. In the transaction that confirms."""
    if method not in BY_THEMSELVES:
        return
    asked = ConsentEvent.objects.filter(
        subscriber=subscription.subscriber_id,
        newsletter=subscription.newsletter_id,
        kind=ConsentEvent.Kind.ASKED,
        details__wish__generation=generation,
    )
    event = asked.order_by("-pk").first()
    if event is None:
        return
    wish: dict[str, Any] = event.details["wish"]
    person = {name: wish[name] for name in ("first_name", "language") if name in wish}
    if person:
        Subscriber.objects.filter(pk=subscription.subscriber_id).update(**person)
    row = Subscription.objects.select_for_update(of=("self",)).get(pk=subscription.pk)
    row.fields, row.source = row.fields | wish.get("fields", {}), wish.get("source", row.source)
    row.save(update_fields=["fields", "source"])
