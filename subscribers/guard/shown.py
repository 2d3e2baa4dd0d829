"""When a form was shown: whoever posts it before anybody could have typed is asked a riddle.

A form that does not say so, or says it wrongly, is judged by the other rules: boxes stand on pages that are kept in
caches, and on other people's sites.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.core import signing
from django.utils import timezone

from subscribers import keyring

BELIEVED_FOR = timedelta(hours=24)


def form_token(*, now: datetime | None = None) -> str:
    """For a form's hidden field `shown`. A form that is shown again, with an error, keeps the one it had."""
    return keyring.plain("guard.shown").sign(str(int((now or timezone.now()).timestamp())))


def age(token: str, *, now: datetime) -> timedelta | None:
    """None where nothing believable is said."""
    try:
        then = datetime.fromtimestamp(int(keyring.plain("guard.shown").unsign(token)), tz=UTC)
    except signing.BadSignature:
        return None
    found = now - then
    return found if found < BELIEVED_FOR else None
