"""What the ledger holds of a person: told to them when they ask, and taken out when they are deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from delivery.models import Answer, Delivery, Event, Proof

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from subscribers.models import Subscriber

Held = dict[str, Any]
SENT = (
    "pk",
    "dispatch__issue__newsletter__slug",
    "dispatch__issue__slug",
    "dispatch__issue__subject",
    "state",
    "reason",
    "detail",
    "provider_id",
    "attempt__started_at",
    "settled_at",
)


def of(subscriber: Subscriber) -> dict[str, list[Held]]:
    """The mails that went to them, what became of each, and what they answered. Keys: docs/operate.md."""
    # Row by row of plain values: an issue's text, and its frozen mail, are large and not needed.
    rows = Delivery.objects.filter(subscription__subscriber=subscriber).order_by("pk").values(*SENT)
    sent = list(rows)
    told = _told(row["pk"] for row in sent)
    answers = Answer.objects.filter(subscription__subscriber=subscriber).order_by("pk")
    return {
        "issues_sent": [_sent(row, told=told.get(row["pk"], [])) for row in sent],
        "answers": [
            {"newsletter": newsletter, "issue": issue, "answer": verdict, "given_at": given_at.isoformat()}
            for newsletter, issue, verdict, given_at in answers.values_list(
                "issue__newsletter__slug", "issue__slug", "verdict", "given_at"
            )
        ],
    }


def take_out(subscribers: Collection[Subscriber]) -> None:
    """Their addresses, where they stand among those to whom a test mail went, or is to go. Once for all of them: it
    reads the list of all tests.

    What foreign keys lead to is taken care of by them: a delivery keeps its outcome, and no reader. A provider's words
    hold no address (delivery/veiling.py).
    """
    emails = {subscriber.email.casefold() for subscriber in subscribers}
    if not emails:
        return
    tests = Proof.objects.order_by("pk").values_list("pk", "addresses")
    found = [pk for pk, addresses in tests if not emails.isdisjoint(map(str.casefold, addresses))]
    for proof in Proof.objects.select_for_update(of=["self"]).filter(pk__in=found).order_by("pk"):
        theirs = {each.casefold() for each in proof.addresses} & emails
        proof.addresses = [Proof.DELETED if each.casefold() in theirs else each for each in proof.addresses]
        for email in sorted(theirs):
            proof.detail = _in_words(email).sub(Proof.DELETED, proof.detail)
        proof.save(update_fields=["addresses", "detail"])


def _in_words(email: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.+-]){re.escape(email)}(?![\w-])", re.IGNORECASE)


def _sent(row: Held, *, told: list[Held]) -> Held:
    return {
        "newsletter": row["dispatch__issue__newsletter__slug"],
        "issue": row["dispatch__issue__slug"],
        "subject": row["dispatch__issue__subject"],
        "outcome": row["state"],
        "reason": row["reason"],
        "provider_said": row["detail"],
        "provider_id": row["provider_id"],
        "handed_over_at": _at(row["attempt__started_at"]),
        "settled_at": _at(row["settled_at"]),
        "events": told,
    }


def _told(delivery_ids: Iterable[int]) -> dict[int, list[Held]]:
    events = Event.objects.filter(delivery__in=list(delivery_ids)).order_by("pk")
    told: dict[int, list[Held]] = {}
    for event in events:
        told.setdefault(event.delivery_id or 0, []).append(
            {"what": event.kind, "when": _at(event.happened_at), "words": event.words}
        )
    return told


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
