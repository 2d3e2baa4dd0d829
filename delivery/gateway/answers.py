"""From what a provider's call raised to what to do next.

never connected, DNS, TLS          nothing left the house         Transient
429, 420 (Mailgun's own)           nothing was taken              Transient, after Retry-After
401, 402, 403, 404                 the account cannot send        AccountRefused
400, 413, 422 and other 4xx        something in this call         CallRefused
5xx, read timeout, reset, bad 2xx  it may have been taken         Uncertain
refused before the call was made   something in this call         CallRefused
"""

from __future__ import annotations

import email.utils
import smtplib
import time
from typing import TYPE_CHECKING

import requests
from anymail.exceptions import (
    AnymailAPIError,
    AnymailError,
    AnymailRecipientsRefused,
)
from django.core.exceptions import ImproperlyConfigured

from delivery.exceptions import AccountRefused, CallRefused, SendError, Transient, Uncertain

if TYPE_CHECKING:
    from collections.abc import Mapping

RATE_LIMITED = frozenset({420, 429})
ACCOUNT = frozenset({401, 402, 403, 404})
LONGEST_WAIT = 3600.0  # seconds; a provider that asks for more is asked again after this
LONGEST_WORDS = 500  # characters of a provider's answer that are kept


def verdict(error: Exception) -> SendError:
    """What to do after `error` came out of one provider call."""
    words = str(error).strip()[:LONGEST_WORDS] or type(error).__name__
    if _never_connected(error):
        return Transient(words)
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and not 200 <= status < 300:
        return _by_status(status, words, getattr(getattr(error, "response", None), "headers", {}))
    if isinstance(error, AnymailAPIError):
        return Uncertain(words)  # no status: timeout or reset; 2xx: an answer that cannot be read
    if isinstance(error, ImproperlyConfigured):  # Anymail's configuration errors and Django's InvalidMailer
        return AccountRefused(words)
    if isinstance(error, (AnymailRecipientsRefused, AnymailError, ValueError)):
        return CallRefused(words)  # raised while the payload was built
    return Uncertain(words)


def before_speaking(error: Exception) -> SendError:
    """What to do after `error` came up while a connection was made: nothing has left the house."""
    words = str(error).strip()[:LONGEST_WORDS] or type(error).__name__
    is_ours = isinstance(error, ImproperlyConfigured | ImportError | smtplib.SMTPAuthenticationError)
    return AccountRefused(words) if is_ours else Transient(words)


def _never_connected(error: Exception) -> bool:
    """requests.ConnectionError is also a connection that broke half-way; only its cause tells the two apart."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError):
        return True
    if not isinstance(error, requests.exceptions.ConnectionError):
        return False
    causes = f"{error!r} {error.__cause__!r}"
    return "NewConnectionError" in causes or "NameResolutionError" in causes


def _by_status(status: int, words: str, headers: Mapping[str, str]) -> SendError:
    if status in RATE_LIMITED:
        return Transient(words, retry_after=retry_after(headers.get("Retry-After", "")))
    if status in ACCOUNT:
        return AccountRefused(words)
    if 400 <= status < 500:
        return CallRefused(words)
    return Uncertain(words)


def retry_after(value: str) -> float:
    """Seconds to wait (RFC 9110 10.2.3: seconds or an HTTP date), between 1 second and an hour; 5 when not said."""
    if value.strip().isdigit():
        seconds = float(value)
    elif moment := email.utils.parsedate_tz(value):
        seconds = email.utils.mktime_tz(moment) - time.time()
    else:
        seconds = 5.0
    return min(max(seconds, 1.0), LONGEST_WAIT)
