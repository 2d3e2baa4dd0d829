"""Readers' links: one signed token per purpose, each with a salt of its own, under the key ring LINK_KEYS.

A confirm token cannot unsubscribe and the other way round. Rotating SECRET_KEY touches none of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing

if TYPE_CHECKING:
    from collections.abc import Callable

    from subscribers.models import Subscription

CONFIRM_LIFE = timedelta(hours=72)
NOBODY = 0  # no subscription's number: stands in the links of a test mail


class InvalidToken(Exception):
    """Cut off, altered, made for another purpose, or under a key we no longer know. Answer with a neutral page."""


class ExpiredToken(Exception):
    """Genuine, but too old. Offer a fresh one: `subscription_id` says whose it was."""

    def __init__(self, subscription_id: int) -> None:
        super().__init__(subscription_id)
        self.subscription_id = subscription_id


@dataclass(frozen=True, slots=True)
class ConfirmClaim:
    subscription_id: int
    generation: int


@dataclass(frozen=True, slots=True)
class ReaderClaim:
    subscription_id: int
    mark: str  # opaque here; delivery puts the dispatch's id in, to tell which issue was the last straw


UnsubscribeClaim = ReaderClaim


def confirm_token(subscription: Subscription) -> str:
    return _timed("confirm").sign(f"{subscription.pk}.{subscription.generation}")


def read_confirm(token: str) -> ConfirmClaim:
    """Raises InvalidToken, or ExpiredToken after CONFIRM_LIFE."""
    try:
        value = _timed("confirm").unsign(token, max_age=CONFIRM_LIFE)
    except signing.SignatureExpired:
        raise ExpiredToken(_confirm_claim(_timed("confirm").unsign(token)).subscription_id) from None
    except signing.BadSignature as error:
        raise InvalidToken from error
    return _confirm_claim(value)


def unsubscribe_token(subscription_id: int, *, mark: str = "") -> str:
    """Never expires: a way out must work for as long as the mail can be opened."""
    return _plain("unsubscribe").sign(f"{subscription_id}.{mark}")


def unsubscribe_tokens(*, mark: str) -> Callable[[int], str]:
    """`unsubscribe_token` for a whole audience: the key is derived once, and a token costs some microseconds."""
    return reader_tokens("unsubscribe", mark=mark)


def reader_tokens(purpose: str, *, mark: str) -> Callable[[int], str]:
    """Of one purpose, for a whole audience. None expires: a link works for as long as the mail can be opened."""
    newest = settings.LINK_KEYS[0]
    # As django.utils.crypto.salted_hmac does it for each token anew; a test holds the two together.
    key = hashlib.sha256(f"courant.{purpose}signer{newest}".encode()).digest()
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
        value = _plain(purpose).unsign(token)
    except signing.BadSignature as error:
        raise InvalidToken from error
    subscription_id, _, mark = value.partition(".")
    return ReaderClaim(int(subscription_id), mark)


def _confirm_claim(value: str) -> ConfirmClaim:
    subscription_id, _, generation = value.partition(".")
    return ConfirmClaim(int(subscription_id), int(generation))


def _plain(purpose: str) -> signing.Signer:
    newest, *older = settings.LINK_KEYS
    return signing.Signer(
        key=newest, fallback_keys=list[str | bytes](older), sep="~", salt=f"courant.{purpose}"
    )


def _timed(purpose: str) -> signing.TimestampSigner:
    newest, *older = settings.LINK_KEYS
    return signing.TimestampSigner(
        key=newest, fallback_keys=list[str | bytes](older), sep="~", salt=f"courant.{purpose}"
    )
