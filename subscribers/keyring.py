"""What readers hold is signed under a key ring of its own (LINK_KEYS): by the newest key, and read under all of them.

Each purpose has a salt of its own: what was made for one opens nothing else.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import signing

SALT = "courant."


def plain(purpose: str) -> signing.Signer:
    return signing.Signer(**_under(purpose))


def timed(purpose: str, *, sep: str = "~") -> signing.TimestampSigner:
    return signing.TimestampSigner(**_under(purpose) | {"sep": sep})


def _under(purpose: str) -> dict[str, Any]:
    newest, *older = settings.LINK_KEYS
    return {"key": newest, "fallback_keys": older, "sep": "~", "salt": f"{SALT}{purpose}"}
