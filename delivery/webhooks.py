"""Providers' webhooks: who speaks is checked, what is told is written down, and the answer is 200.

What follows from it is done later (tracking.py). A provider that gets no 200 says all of it again, for hours; so what
cannot be read is written down as well, and set aside.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
import uuid
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from anymail.exceptions import AnymailError, AnymailNotSupportedWarning, AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from delivery import events, gateway, tasks
from delivery.models import Event
from delivery.veiling import ADDRESS
from newsletter.site import absolute_url
from subscribers import addresses
from subscribers.models import address_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest

logger = logging.getLogger(__name__)

UNREADABLE = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    AssertionError,
    ImproperlyConfigured,
    AnymailError,
)
MOST_WORDS, MOST_RAW = 500, 4000
LATEST = timedelta(minutes=5)  # by so much a provider's clock may be off
OLDEST = timedelta(days=2)  # longer than any provider goes on trying, shorter than an event's key is kept
WAKE_EVERY = 2  # seconds


@csrf_exempt  # what the provider sends along is the key
@require_http_methods(["GET", "HEAD", "POST"])
def receive(request: HttpRequest, mailer: str) -> HttpResponse:
    source = events.source(mailer)
    if not source or not events.are_heard(mailer):
        raise Http404
    if request.method != "POST":  # some providers look whether anybody is there
        return HttpResponse()
    # Amazon sends user and password only when it is asked for them.
    if not source.signs and "Authorization" not in request.headers:
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="webhook"'})
    scheme = gateway.scheme(mailer)
    receiver = _receiver(source, scheme=scheme, mailer=mailer, path=request.path)
    try:
        receiver.run_validators(request)
    except Exception as error:  # whatever it was: nothing is proven, so nothing is read
        logger.warning("A webhook call for the mailer %s was turned away: %s", mailer, type(error).__name__)
        return HttpResponse(status=403)
    rows = _read(receiver, request, make=partial(_row, mailer=mailer, scheme=scheme))
    Event.objects.bulk_create(rows, ignore_conflicts=True)
    if cache.add("events-told", True, timeout=WAKE_EVERY):  # the sweep finds what comes in between
        tasks.wake_tracking()
    return HttpResponse()


def _receiver(source: events.Source, *, scheme: str, mailer: str, path: str) -> Any:
    """Anymail's view, as the one who knows signature and form."""
    view = import_string(f"anymail.webhooks.{source.view}")
    options: dict[str, Any] = {source.key: events.secret(mailer)}
    bases: tuple[type, ...] = (Careful, *EXTRA.get(scheme, ()), view)
    match scheme:
        case "resend":
            options = {"webhook_secret": events.secret(mailer)}  # see Svix
        case "mandrill":
            options["webhook_url"] = absolute_url(path)  # it signs this, too
        case "ses":
            given = settings.MAILERS[mailer]["OPTIONS"]["client_params"]
            options["client_params"] = {"config": given["config"]}
    with warnings.catch_warnings():  # said of SendGrid, which its maker cannot test any more
        warnings.simplefilter("ignore", AnymailNotSupportedWarning)
        return type("Receiver", bases, {})(**options)


class Careful:
    """One event that cannot be read must not take the others of its call with it."""

    def esp_to_anymail_event(self, *given: Any) -> Any:
        try:
            return super().esp_to_anymail_event(*given)  # type: ignore[misc]  # the view's it is mixed into
        except UNREADABLE as error:
            raw = next((each for each in given if isinstance(each, dict)), given[0])
            event = AnymailTrackingEvent(event_type="unknown", esp_event=raw)
            event.problem = error
            return event


class Once:
    """Mailgun signs only a time and a token, and not what is told. An event's key is its token, so that a token counts
    once; and one that is older than the keys are kept does not count at all."""

    def run_validators(self, request: HttpRequest) -> None:
        super().run_validators(request)  # type: ignore[misc]  # the same
        _require_fresh(json.loads(request.body)["signature"]["timestamp"])


class Svix:
    """Resend's signature (docs.svix.com/receiving/verifying-payloads/how-manual). Anymail would want a package for it
    that brings eleven others along."""

    basic_auth: list[str]  # where Anymail's view keeps the secret

    def run_validators(self, request: HttpRequest) -> None:
        number, moment = request.headers["svix-id"], request.headers["svix-timestamp"]
        key = base64.b64decode(self.basic_auth[0].removeprefix("whsec_"))
        digest = hmac.digest(key, f"{number}.{moment}.".encode() + request.body, "sha256")
        expected = f"v1,{base64.b64encode(digest).decode()}"
        given = request.headers["svix-signature"].split()
        if not any(
            constant_time_compare(each, expected) for each in given
        ):  # several, while a secret is changed
            raise AnymailWebhookValidationFailure("The signature is not Resend's.")
        _require_fresh(moment)


EXTRA: dict[str, tuple[type, ...]] = {"mailgun": (Once,), "resend": (Svix,)}


def _require_fresh(moment: str) -> None:
    # Digits only: Mailgun signs the moment and its token without a mark between them, and "e0" would be part of both.
    age = time.time() - int(moment) if str(moment).isdecimal() and len(str(moment)) == 10 else float("inf")
    if not -LATEST.total_seconds() < age < OLDEST.total_seconds():
        raise AnymailWebhookValidationFailure("It was signed too long ago.")


def _read(receiver: Any, request: HttpRequest, *, make: partial[Event]) -> list[Event]:
    try:
        told: Iterable[Any] = receiver.parse_events(request)
    except UNREADABLE as error:
        text = request.body.decode(errors="replace")
        return [_unread(text, error, mailer=make.keywords["mailer"])]
    rows = []
    for event in told:
        try:
            if hasattr(event, "problem"):
                raise event.problem
            rows.append(make(event))
        except UNREADABLE as error:
            rows.append(_unread(_json(event.esp_event), error, mailer=make.keywords["mailer"]))
    return rows


def _row(event: Any, *, mailer: str, scheme: str) -> Event:
    words = _clean(event.mta_response or event.description or "")
    return Event(
        key=_key(event, scheme=scheme),
        mailer=mailer,
        kind=events.kind_of(event.event_type, event.esp_event, scheme=scheme, words=words),
        delivery_id=_delivery_id(event.metadata),
        address_key=address_key(_address(event.recipient)) if event.recipient else "",
        reason=_clean(event.reject_reason or "")[:20],
        words=words[:MOST_WORDS],
        happened_at=_moment(event.timestamp),
    )


def _unread(text: str, error: Exception, *, mailer: str) -> Event:
    logger.error("An event from the mailer %s cannot be read and is set aside: %r", mailer, error)
    now = timezone.now()
    return Event(
        key=_uuid(text),
        mailer=mailer,
        kind=Event.Kind.OTHER,
        happened_at=now,
        processed_at=now,
        problem=_clean(repr(error))[:MOST_WORDS],
        raw=_clean(text)[:MOST_RAW],
    )


def _key(event: Any, *, scheme: str) -> uuid.UUID:
    if not event.event_id:
        return _uuid(f"{scheme} {_json(event.esp_event)}")
    # One notification of Amazon's may speak of several readers. Of others' ids nothing may be added: see Once.
    whose = f" {event.recipient}" if scheme == "ses" else ""
    return _uuid(f"{scheme} {event.event_id}{whose}")


def _uuid(text: str) -> uuid.UUID:
    return uuid.UUID(bytes=hashlib.sha256(text.encode(errors="replace")).digest()[:16])


def _json(raw: Any) -> str:
    return json.dumps(raw, sort_keys=True, default=str)


def _delivery_id(metadata: Any) -> int | None:
    """As the gateway gave it along."""
    text = str(metadata.get("delivery", "")) if isinstance(metadata, Mapping) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _address(recipient: str) -> str:
    """Ours are in lower case; a domain in other letters is the rare one that needs more."""
    text = recipient.strip().lower()
    return text if text.isascii() else addresses.canonical(text)


def _moment(moment: datetime | None) -> datetime:
    now = timezone.now()
    if moment is None:
        return now
    aware = moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
    return aware if abs(aware - now) < timedelta(days=365) else now


def _clean(text: Any) -> str:
    """What any database takes, and no address in it: it is not ours to keep once the reader is gone."""
    plain = str(text).encode(errors="replace").decode().replace("\0", "")
    return ADDRESS.sub("(address)", plain)
