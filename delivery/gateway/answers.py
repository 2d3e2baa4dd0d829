"""From what a provider's call raised, or answered, to what to do next.

never connected, DNS, certificate  nothing left the house         Transient
429, 420 (Mailgun's own)           nothing was taken              Transient, after Retry-After
503 with Retry-After               "unable to handle" (RFC 9110)  Transient, after Retry-After
401, 402, 403, 404, a redirect     the account cannot send        AccountRefused
400, 413, 422 and other 4xx        something in this call         CallRefused
400, 409, 422 without their words  "known by its key", perhaps    Uncertain, where calls have keys
5xx, read timeout, reset, bad 2xx  it may have been taken         Uncertain
refused before the call was made   something in this call         CallRefused

Where a provider's own words say it better than its status, they count: refusals.py.
"""

from __future__ import annotations

import email.utils
import json
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
from delivery.gateway.profiles import ONE_BY_ONE, PROFILES
from delivery.gateway.refusals import LONGEST_WORDS, by_words, said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.messages import Receipt

RATE_LIMITED = frozenset({420, 429})
ACCOUNT = frozenset({401, 402, 403, 404, 405})
# By one of these a provider with keys says that it has the call already, or is at it: when its words are lost on the
# way, it has to be asked again.
ABOUT_A_KEY = frozenset({400, 409, 422})
REDIRECT = frozenset({301, 302, 307, 308})  # to the right address; nothing was taken at this one
# How urllib3 and ssl call it when no byte of the request has left; other TLS errors come later, too.
NEVER_MADE = ("NewConnectionError", "NameResolutionError", "CERTIFICATE_VERIFY_FAILED", "CertificateError")
BOTO_NEVER_CONNECTED = frozenset({"EndpointConnectionError", "ConnectTimeoutError"})
BOTO_NEVER_MADE = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "NoRegionError", "ProfileNotFound"}
)
NO_SUCH_PLACE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)
FOR_A_PERSON = (
    *(ImproperlyConfigured, ImportError, FileNotFoundError, smtplib.SMTPAuthenticationError),  # settings
    *(ValueError, TypeError, LookupError),  # the issue cannot be made into a mail
)
MOST_IN_A_ROW = 10
# Where the wait is said: by RFC 9110, by Resend, by Brevo, and by SendGrid, as the second of the Unix clock.
WAITS = ("Retry-After", "ratelimit-reset", "x-sib-ratelimit-reset", "X-RateLimit-Reset")
LONGEST_WAIT = 3600.0  # seconds; a provider that asks for more is asked again after this
# Where a server's own trouble is said in a code of the provider's that means that nothing was taken.
SURELY_NOT_TAKEN = frozenset({("mandrill", 500), ("postmark", 503)})
# What Anymail calls a provider, where a mailer URL calls it otherwise.
SCHEMES = {"amazon ses": "ses", "unisender go": "unisender-go"}


def verdict(error: Exception) -> SendError:
    """What to do after `error` came out of one provider call."""
    words = str(error).strip()[:LONGEST_WORDS] or type(error).__name__
    if _never_connected(error):
        return Transient(words)
    if isinstance(error, NO_SUCH_PLACE) or type(error.__cause__).__name__ in BOTO_NEVER_MADE:
        return AccountRefused(words)
    if isinstance(response := getattr(error.__cause__, "response", None), dict):
        return _by_boto(response, words)
    if isinstance(error, AnymailAPIError) and error.response is not None:
        return _by_response(error, words)
    if isinstance(error, AnymailAPIError):
        return Uncertain(words)  # timeout or reset, once something had left
    if isinstance(error, ImproperlyConfigured):  # Anymail's configuration errors and Django's InvalidMailer
        return AccountRefused(words)
    if isinstance(error, (AnymailRecipientsRefused, AnymailError, ValueError)):
        return CallRefused(words)  # raised while the payload was built
    return Uncertain(words)


def by_answer(provider: str, status: int, answer: Any, headers: Mapping[str, str] | None = None) -> SendError:
    """What a provider's own answer means. `answer` is what its JSON says, or else its text."""
    words = said(answer)
    if not isinstance(answer, dict | list):  # a plain "Forbidden" says more with its number
        words = f"{words} (HTTP {status})" if words else f"HTTP {status}"
    found = by_words(provider, answer) if status < 500 or (provider, status) in SURELY_NOT_TAKEN else None
    if found is None and isinstance(answer, str) and status in ABOUT_A_KEY and _has_keys(provider):
        found = Uncertain
    found = found or _by_status(status, headers or {})
    if found is Transient:
        return Transient(words, retry_after=retry_after(_named_wait(headers or {})))
    return found(words)


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
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    answer = response.get("Error", {})
    return by_answer("ses", status, {**answer, "Message": answer.get("Message") or words})


def _by_response(error: AnymailAPIError, words: str) -> SendError:
    """Anymail raised it for what the provider answered."""
    response, name = error.response, (error.esp_name or "").lower()
    provider, status = SCHEMES.get(name, name), response.status_code
    try:
        answer = json.loads(response.content)
    except ValueError:
        answer = response.text
    if 200 <= status < 300:  # it cannot be read; or it says, as Postal does, that nothing was taken
        found = by_words(provider, answer) if isinstance(answer, dict) and provider == "postal" else None
        return found(said(answer)) if found else Uncertain(words)
    return by_answer(provider, status, answer, response.headers)


def _has_keys(provider: str) -> bool:
    return PROFILES.get(provider, ONE_BY_ONE).key_life is not None


def _by_status(status: int, headers: Mapping[str, str]) -> type[SendError]:
    if status in RATE_LIMITED or (status == 503 and headers.get("Retry-After")):
        return Transient
    if status in ACCOUNT or status in REDIRECT:
        return AccountRefused
    return CallRefused if 400 <= status < 500 else Uncertain


def _named_wait(headers: Mapping[str, str]) -> str:
    return next((headers[name] for name in WAITS if headers.get(name)), "")


def retry_after(value: str) -> float:
    """Seconds to wait (RFC 9110 10.2.3: seconds or an HTTP date), between 1 second and an hour; 5 when not said."""
    if value.strip().isdigit():
        seconds = float(value) - (time.time() if len(value.strip()) >= 10 else 0.0)
    elif moment := email.utils.parsedate_tz(value):
        seconds = email.utils.mktime_tz(moment) - time.time()
    else:
        seconds = 5.0
    return min(max(seconds, 1.0), LONGEST_WAIT)
