"""From what a provider's call raised to what to do next.

never connected, DNS, certificate  nothing left the house         Transient
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
from typing import TYPE_CHECKING, Any

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

    from delivery.messages import Receipt

RATE_LIMITED = frozenset({420, 429})
ACCOUNT = frozenset({401, 402, 403, 404})
# How urllib3 and ssl call it when no byte of the request has left; other TLS errors come later, too.
NEVER_MADE = ("NewConnectionError", "NameResolutionError", "CERTIFICATE_VERIFY_FAILED", "CertificateError")
BOTO_NEVER_CONNECTED = frozenset({"EndpointConnectionError", "ConnectTimeoutError"})
BOTO_RATE_LIMITED = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException"})
FOR_A_PERSON = (
    *(ImproperlyConfigured, ImportError, FileNotFoundError, smtplib.SMTPAuthenticationError),  # settings
    *(ValueError, TypeError, LookupError),  # the issue cannot be made into a mail
)
MOST_IN_A_ROW = 10
LONGEST_WAIT = 3600.0  # seconds; a provider that asks for more is asked again after this
LONGEST_WORDS = 500  # characters of a provider's answer that are kept


def verdict(error: Exception) -> SendError:
    """What to do after `error` came out of one provider call."""
    words = str(error).strip()[:LONGEST_WORDS] or type(error).__name__
    if _never_connected(error):
        return Transient(words)
    if isinstance(response := getattr(error.__cause__, "response", None), dict):
        return _by_boto(response, words)
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
    """What to do after `error` came up while a connection was made or a mail was built: nothing has left the house.

    A network may mend itself. What is wrong in our own settings, or in the issue, a person must mend.
    """
    words = f"{type(error).__name__}: {error}".strip()[:LONGEST_WORDS]
    return AccountRefused(words) if isinstance(error, FOR_A_PERSON) else Transient(words)


class InARow:
    """Counts readers not taken without one taken between them: it is not them, then, but the sender or the mail."""

    def __init__(self) -> None:
        self._accepted = self._until = 0

    def count(self, receipt: Receipt) -> SendError | None:
        not_taken = len(receipt.refused) + len(receipt.deferred)
        if len(receipt.accepted) > self._accepted:
            self._accepted, self._until = len(receipt.accepted), not_taken
        if not_taken - self._until < MOST_IN_A_ROW:
            return None
        if receipt.refused:
            return AccountRefused(f"{MOST_IN_A_ROW} readers in a row were refused: {_last(receipt.refused)}")
        return Transient(_last(receipt.deferred))


def _last(words: dict[int, str]) -> str:
    return next(reversed(words.values()))


def _never_connected(error: Exception) -> bool:
    """requests tells by one class of a connection never made and of one that broke; only its cause tells them apart."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    if not isinstance(error, requests.exceptions.ConnectionError):
        return type(error.__cause__).__name__ in BOTO_NEVER_CONNECTED
    causes = f"{error!r} {error.__cause__!r}"
    return any(name in causes for name in NEVER_MADE)


def _by_boto(response: dict[str, Any], words: str) -> SendError:
    """Amazon's client answers by a code of its own (SES API v2, "Common errors" and SendEmail)."""
    code = str(response.get("Error", {}).get("Code", ""))
    if code in BOTO_RATE_LIMITED:
        return Transient(words, retry_after=retry_after(""))
    if code in {"MessageRejected", "BadRequestException"}:
        return CallRefused(words)
    return _by_status(int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)), words, {})


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
