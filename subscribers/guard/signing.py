from __future__ import annotations

from django.conf import settings
from django.core import signing


def signer(purpose: str) -> signing.Signer:
    """Under the key ring of the readers' links, with a salt of its own: no page's token is a link, or the reverse."""
    newest, *older = settings.LINK_KEYS
    return signing.Signer(
        key=newest, fallback_keys=list[str | bytes](older), sep="~", salt=f"courant.guard.{purpose}"
    )
