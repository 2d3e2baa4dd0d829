"""A sign-up to be had once more: what was posted, signed, so that "send it again" needs no cookie and no form anew.

The address stands in a hidden field of the page that answered whoever typed it, and in no address line and no log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core import signing

from subscribers import keyring
from subscribers.lifecycle import Wish
from subscribers.tokens import InvalidToken

if TYPE_CHECKING:
    from collections.abc import Mapping

LIFE = timedelta(hours=24)
LARGEST = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked for at a form; `newsletters`: by number, the digest of the wording that was shown."""

    email: str  # canonical
    newsletters: Mapping[int, str]
    wish: Wish


def token(asked: Asked) -> str:
    wish = asked.wish
    shown = [[number, digest] for number, digest in asked.newsletters.items()]
    held = [asked.email, shown, wish.first_name, dict(wish.fields), dict(wish.source), wish.language]
    return _signer().sign_object(held, compress=True)


def read(text: str) -> Asked:
    """Raises InvalidToken, also after LIFE."""
    if len(text) > LARGEST:
        raise InvalidToken
    try:
        held = _signer().unsign_object(text, max_age=LIFE)
    except signing.BadSignature as error:
        raise InvalidToken from error
    email, shown, first_name, fields, source, language = held
    wish = Wish(first_name=first_name, fields=fields, source=source, language=language)
    return Asked(email, dict(shown), wish)


def only(asked: Asked, numbers: set[int]) -> Asked:
    """Without the newsletters that are gone meanwhile."""
    return replace(asked, newsletters={pk: said for pk, said in asked.newsletters.items() if pk in numbers})


def _signer() -> signing.TimestampSigner:
    return keyring.timed("repeat", sep=":")
