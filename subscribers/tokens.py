"""Readers' links: one signed token per purpose, each with a salt of its own, under the key ring LINK_KEYS.

A confirm token cannot unsubscribe and the other way round. Rotating SECRET_KEY touches none of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing

from subscribers.keyring import SALT, plain, timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from subscribers.models import Subscriber, Subscription

CONFIRM_LIFE = timedelta(hours=72)
MANAGE_LIFE = timedelta(hours=1)
# A leaving can be taken back so long: on the page that answers it, and by the goodbye mail, which is the reader's own.
BACK_ON_PAGE, BACK_BY_MAIL = timedelta(hours=24), timedelta(days=30)
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
IN_TEXT = re.compile(r"(?<![\w.])\d{1,18}\.\d{0,18}~[\w-]{43}(?![\w-])", re.ASCII)  # an unsubscribe token
NOBODY = 0  # no subscription's number: stands in the links of a test mail


class InvalidToken(Exception):
    """Cut off, altered, made for another purpose, or under a key we no longer know. Answer with a neutral page."""


class ExpiredToken(Exception):
    """Genuine, but too old. Offer a fresh one: `subscription_id` says whose it was, `claims` what it was to confirm."""

    def __init__(self, subscription_id: int, claims: tuple[ConfirmClaim, ...] = ()) -> None:
        super().__init__(subscription_id)
        self.subscription_id = subscription_id
        self.claims = claims


@dataclass(frozen=True, slots=True)
class ConfirmClaim:
    subscription_id: int
    generation: int


@dataclass(frozen=True, slots=True)
class ReaderClaim:
    subscription_id: int
    mark: str  # opaque here; delivery puts the dispatch's id in, to tell which issue was the last straw


UnsubscribeClaim = ReaderClaim


def confirm_token(*subscriptions: Subscription) -> str:
    """One link for all that a mail names. Each is good for the generation that it has now."""
    pairs = (f"{each.pk}.{each.generation}" for each in subscriptions)
    return timed("confirm").sign("_".join(pairs))


def read_confirm(token: str) -> tuple[ConfirmClaim, ...]:
    """At least one. Raises InvalidToken, or ExpiredToken after CONFIRM_LIFE."""
    try:
        value = timed("confirm").unsign(token, max_age=CONFIRM_LIFE)
    except signing.SignatureExpired:
        claims = _confirm_claims(timed("confirm").unsign(token))
        raise ExpiredToken(claims[0].subscription_id, claims) from None
    except signing.BadSignature as error:
        raise InvalidToken from error
    return _confirm_claims(value)


def unsubscribe_token(subscription_id: int, *, mark: str = "") -> str:
    """Never expires: a way out must work for as long as the mail can be opened."""
    return plain("unsubscribe").sign(f"{subscription_id}.{mark}")


def unsubscribe_tokens(*, mark: str) -> Callable[[int], str]:
    """`unsubscribe_token` for a whole audience: the key is derived once, and a token costs some microseconds."""
    return reader_tokens("unsubscribe", mark=mark)


def reader_tokens(purpose: str, *, mark: str) -> Callable[[int], str]:
    """Of one purpose, for a whole audience. None expires: a link works for as long as the mail can be opened."""
    newest = settings.LINK_KEYS[0]
    # As django.utils.crypto.salted_hmac does it for each token anew; a test holds the two together.
    key = hashlib.sha256(f"{SALT}{purpose}signer{newest}".encode()).digest()
    suffix = f".{mark}"

    def token(subscription_id: int) -> str:
        value = f"{subscription_id}{suffix}"
        signature = base64.urlsafe_b64encode(hmac.digest(key, value.encode(), "sha256"))
        return f"{value}~{signature[:-1].decode()}"  # 32 bytes always end in one "="

    return token


def read_unsubscribe(token: str) -> UnsubscribeClaim:
    """Raises InvalidToken."""
    return read_reader_token(token, purpose="unsubscribe")


def read_reader_token(token: str, *, purpose: str) -> ReaderClaim:
    """Raises InvalidToken, also for a token that was made for another purpose."""
    try:
        value = plain(purpose).unsign(token)
    except signing.BadSignature as error:
        raise InvalidToken from error
    subscription_id, _, mark = value.partition(".")
    return ReaderClaim(int(subscription_id), mark)


@dataclass(frozen=True, slots=True)
class ManageClaim:
    subscriber_id: int
    mark: str  # of the address it was mailed to: a link from before a move opens nothing

    def is_of(self, subscriber: Subscriber) -> bool:
        return hmac.compare_digest(self.mark, _mark(subscriber))


class ExpiredManageToken(Exception):
    """Genuine, but too old: a fresh one can be mailed to the same address."""

    def __init__(self, claim: ManageClaim) -> None:
        super().__init__(claim)
        self.claim = claim


def manage_token(subscriber: Subscriber) -> str:
    return timed("manage").sign(f"{subscriber.pk}.{_mark(subscriber)}")


def read_manage(token: str) -> ManageClaim:
    """Raises InvalidToken, or ExpiredManageToken after MANAGE_LIFE."""
    try:
        return _manage_claim(timed("manage").unsign(token, max_age=MANAGE_LIFE))
    except signing.SignatureExpired:
        raise ExpiredManageToken(_manage_claim(timed("manage").unsign(token))) from None
    except signing.BadSignature as error:
        raise InvalidToken from error


@dataclass(frozen=True, slots=True)
class ChangeClaim:
    change_id: int
    end: str  # "old" or "new": whose mailbox the link was sent to


def change_token(change_id: int, *, end: str) -> str:
    """How long it lives is the change's own matter (subscribers.changing_address.LIFE)."""
    return plain("change").sign(f"{change_id}.{end}")


def read_change(token: str) -> ChangeClaim:
    """Raises InvalidToken."""
    claim = read_reader_token(token, purpose="change")
    return ChangeClaim(claim.subscription_id, claim.mark)


@dataclass(frozen=True, slots=True)
class BackClaim:
    """Which leaving may be taken back: this one, and no later one."""

    subscription_id: int
    left_at: datetime
    is_over: bool  # genuine, but too old
    mark: str  # of the address they had then: what lies in a mailbox from before a move opens nothing

    def is_of(self, subscriber: Subscriber) -> bool:
        return hmac.compare_digest(self.mark, _mark(subscriber))


def back_token(subscription: Subscription, *, life: timedelta = BACK_ON_PAGE) -> str:
    """Of a subscription that was left (Subscription.unsubscribed_at)."""
    if subscription.unsubscribed_at is None:
        raise ValueError("Who has not left cannot come back.")
    left = (subscription.unsubscribed_at - EPOCH) // MICROSECOND
    hours = life // timedelta(hours=1)
    return timed("back").sign(f"{subscription.pk}.{left}.{hours}.{_mark(subscription.subscriber)}")


def read_back(token: str) -> BackClaim:
    """Raises InvalidToken."""
    signer = timed("back")
    try:
        value = signer.unsign(token)
    except signing.BadSignature as error:
        raise InvalidToken from error
    *numbers, mark = value.split(".")
    subscription_id, left, hours = map(int, numbers)
    try:
        signer.unsign(token, max_age=timedelta(hours=hours))
    except signing.SignatureExpired:
        is_over = True
    else:
        is_over = False
    return BackClaim(subscription_id, EPOCH + left * MICROSECOND, is_over, mark)


def _mark(subscriber: Subscriber) -> str:
    return subscriber.address_key[:16]


def _manage_claim(value: str) -> ManageClaim:
    subscriber_id, _, mark = value.partition(".")
    return ManageClaim(int(subscriber_id), mark)


def _confirm_claims(value: str) -> tuple[ConfirmClaim, ...]:
    pairs = (pair.split(".") for pair in value.split("_"))
    return tuple(ConfirmClaim(int(number), int(generation)) for number, generation in pairs)
