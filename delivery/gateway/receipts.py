"""What a batch call's answer says, reader by reader: by their place in the call, never by how an address is written.

Providers take one reader and refuse another under one status: a list of outcomes is read before the status is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from delivery.exceptions import AccountRefused, CallRefused, Uncertain
from delivery.gateway.answers import MOST_IN_A_ROW, by_answer
from delivery.messages import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import requests

    from delivery.exceptions import SendError
    from delivery.messages import Recipient

# What became of one reader: the provider's message id, or what it says against them.
Outcome = str | Exception
UNREADABLE = "The provider answered, but not in words that we know: "


def read(provider: str, answer: requests.Response, recipients: Sequence[Recipient]) -> Receipt:
    try:
        body: Any = json.loads(answer.content)
    except ValueError:
        body = None
    taken = 200 <= answer.status_code < 300
    if taken or provider == "mailjet":  # which calls it 4xx when one of many is not taken
        outcomes = _outcomes(provider, answer, body, len(recipients))
        if outcomes is not None:
            return _by_reader(outcomes, recipients)
    if provider == "brevo" and isinstance(body, dict) and body.get("code") == "duplicate_parameter":
        return Receipt(accepted={recipient.delivery_id: "" for recipient in recipients})  # at our first call
    if taken:
        return nobody(Uncertain(UNREADABLE + answer.text[:200]), recipients)
    text = body if isinstance(body, dict | list) else answer.text
    return nobody(by_answer(provider, answer.status_code, text, answer.headers), recipients)


def nobody(error: SendError, recipients: Sequence[Recipient]) -> Receipt:
    """A call that ended in one verdict for all."""
    receipt = Receipt(stopped_by=error)
    if isinstance(error, Uncertain):
        receipt.uncertain = {recipient.delivery_id: str(error) for recipient in recipients}
    return receipt


def note(receipt: Receipt, recipient: Recipient, outcome: Outcome) -> None:
    """Write one reader's outcome down. Whom the provider left because of something else is in no list."""
    match outcome:
        case str():
            receipt.accepted[recipient.delivery_id] = outcome
        case CallRefused():
            receipt.refused[recipient.delivery_id] = str(outcome)
        case Uncertain():
            receipt.uncertain[recipient.delivery_id] = str(outcome)
            receipt.stopped_by = receipt.stopped_by or outcome
        case _:
            receipt.stopped_by = receipt.stopped_by or outcome  # type: ignore[assignment]  # what is left of Outcome


def _by_reader(outcomes: Sequence[Outcome], recipients: Sequence[Recipient]) -> Receipt:
    receipt = Receipt()
    for recipient, outcome in zip(recipients, outcomes, strict=True):
        note(receipt, recipient, outcome)
    refused = list(receipt.refused.values())
    if len(refused) == len(recipients) >= MOST_IN_A_ROW:  # then it is not them
        words = f"All {len(refused)} readers of a call were refused: {refused[-1]}"
        return Receipt(stopped_by=AccountRefused(words))
    return receipt


def _outcomes(provider: str, answer: requests.Response, body: Any, size: int) -> list[Outcome] | None:
    """None when the answer has no such list, or not one for so many."""
    try:
        found = LISTS[provider](answer, body, size)
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    return found if len(found) == size else None


def _brevo(answer: requests.Response, body: Any, size: int) -> list[Outcome]:
    ids = body["messageIds"] if "messageIds" in body else [body["messageId"]]
    return [str(one) for one in ids] if len(ids) == size else [""] * size


def _mailgun(answer: requests.Response, body: Any, size: int) -> list[Outcome]:
    """One id for all. Whom Mailgun will not write to is told in events only."""
    return [str(body["id"])] * size if body["message"].startswith("Queued") else []


def _mailjet(answer: requests.Response, body: Any, size: int) -> list[Outcome]:
    return [
        str(one["To"][0]["MessageID"])
        if one["Status"] == "success"
        else by_answer("mailjet", one["Errors"][0]["StatusCode"], one["Errors"])
        for one in body["Messages"]
    ]


def _mailtrap(answer: requests.Response, body: Any, size: int) -> list[Outcome]:
    return [
        str(one["message_ids"][0]) if one["success"] else by_answer("mailtrap", 400, one["errors"])
        for one in body["responses"]
    ]


def _postmark(answer: requests.Response, body: Any, size: int) -> list[Outcome]:
    return [
        by_answer("postmark", 422, one) if one.get("ErrorCode", 0) else str(one["MessageID"]) for one in body
    ]


def _resend(answer: requests.Response, body: Any, size: int) -> list[Outcome]:
    return [str(one["id"]) for one in body["data"]]


def _sendgrid(answer: requests.Response, body: Any, size: int) -> list[Outcome]:
    """202 and not a word. Its message id is the call's; each reader's begins with it."""
    return [answer.headers.get("X-Message-Id", "")] * size if answer.status_code == 202 else []


LISTS: dict[str, Callable[[requests.Response, Any, int], list[Outcome]]] = {
    "brevo": _brevo,
    "mailgun": _mailgun,
    "mailjet": _mailjet,
    "mailtrap": _mailtrap,
    "postmark": _postmark,
    "resend": _resend,
    "sendgrid": _sendgrid,
}
