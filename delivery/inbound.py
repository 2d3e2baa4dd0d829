"""Mail to the unsubscribe address, as the provider posts it: the token in it says whose subscription ends.

Nothing is ever answered: who speaks is the provider, and who wrote may be anybody. What holds no link of ours is
counted (as an Event without effect) and forgotten; and so is what went to another address, for a provider posts the
mail of a whole domain, and any answer to an issue quotes the link in its foot.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
import warnings
from dataclasses import dataclass
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests
from anymail.exceptions import AnymailNotSupportedWarning
from django.conf import settings
from django.db.models.functions import Now
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from delivery import fetching, postal
from delivery.models import Event
from delivery.webhooks import UNREADABLE, Svix
from newsletter.site import absolute_url
from subscribers import leaving
from subscribers.consent import Circumstances, Method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

logger = logging.getLogger(__name__)

LONGEST_AGENT, LONGEST_TEXT = 300, 200_000  # characters
GONE = {404, 410}
NO_KEY = "not asked for"  # Anymail wants an API key for what we do not fetch
# To whom it went, where the envelope does not say so: of several recipients some providers name only the first, and a
# mail that was forwarded to the provider arrives at an address of the provider's.
RECIPIENTS = {"to", "cc", "bcc", "delivered-to", "x-original-to"}


class WithoutAttachments:
    """Brevo names them, and Anymail would fetch them: nobody reads them here."""

    def _fetch_attachment(self, attachment: Any) -> Any:
        message = import_string("anymail.inbound.AnymailInboundMessage")
        return message.construct_attachment("application/octet-stream", b"")


class SubjectOnly:
    """Resend posts who wrote and the subject; Anymail would fetch the rest. The subject is where we look first."""

    def esp_to_anymail_event(self, esp_event: Any, request: HttpRequest) -> Any:
        data = esp_event["data"]
        message = import_string("anymail.inbound.AnymailInboundMessage")
        event = import_string("anymail.signals.AnymailInboundEvent")
        return event(
            event_type="inbound",
            event_id=request.headers.get("svix-id"),
            message=message.construct(
                subject=data.get("subject") or "",
                from_email=data.get("from"),
                to=", ".join(each for name in ("to", "cc", "bcc") for each in data.get(name) or ()),
                text="",
            ),
        )


class NoticeOnly:
    """Amazon puts a mail of up to 150 KB into its notice; into its stores we do not reach."""

    def fetch_s3_chunks(self, *given: Any) -> Any:
        raise ValueError("Amazon's receipt rule must publish the mail itself to SNS.")


class Fetched:
    """Mailtrap posts a mail's number, and the mail is asked for once the post has proven itself. Anymail would wait for
    an answer as long as it takes, take whatever comes, and leave out all of a post where one cannot be had."""

    api_token: str
    api_url: str
    until: float
    later: requests.RequestException | None = None  # why one of them could not be had now

    def esp_to_anymail_event(self, esp_event: Any) -> Any:
        self.until = time.monotonic() + fetching.LONGEST
        try:
            return super().esp_to_anymail_event(esp_event)  # type: ignore[misc]  # the view's it is mixed into
        except requests.RequestException as error:  # before the others: some of these are ValueErrors, too
            if _status(error) in GONE:
                logger.warning("A mail to the unsubscribe address is gone: %s.", _said(error))
                _count(f"is gone: {_said(error)}")
            else:
                self.later = error
        except UNREADABLE as error:
            _give_up(error)
        return None

    def fetch_inbound_message(self, inbox_id: int, message_id: str) -> Any:
        where = f"inbound/inboxes/{quote(str(inbox_id), safe='')}/messages/{quote(message_id, safe='')}"
        headers = {"Authorization": f"Bearer {self.api_token}"}
        told = fetching.chunks(f"{self.api_url}{where}", headers=headers, until=self.until)
        try:
            return json.loads(b"".join(told))
        except json.JSONDecodeError as error:  # the word of something that stands before it
            raise requests.exceptions.InvalidJSONError from error

    def fetch_raw_message_chunks(self, raw_message_url: str) -> Iterator[bytes]:
        return fetching.chunks(raw_message_url, until=self.until)


@dataclass(frozen=True, slots=True)
class Source:
    view: str  # Anymail's, which knows the form and the signature
    key: str = "webhook_secret"  # what that view calls the secret; by default user:password, as in basic auth
    extra: tuple[type, ...] = ()
    signs: bool = False
    needs_key: bool = False


SOURCES = {
    "brevo": Source("brevo.BrevoInboundWebhookView", extra=(WithoutAttachments,), needs_key=True),
    "mailersend": Source("mailersend.MailerSendInboundWebhookView", "inbound_secret", signs=True),
    "mailgun": Source("mailgun.MailgunInboundWebhookView", "webhook_signing_key", signs=True),
    "mailjet": Source("mailjet.MailjetInboundWebhookView"),
    "mailtrap": Source("mailtrap.MailtrapInboundWebhookView", "inbound_secret", extra=(Fetched,), signs=True),
    "mandrill": Source("mandrill.MandrillCombinedWebhookView", "webhook_key", signs=True),
    "postal": Source("postal.PostalInboundWebhookView", "webhook_key", extra=(postal.Bytes,), signs=True),
    "postmark": Source("postmark.PostmarkInboundWebhookView"),
    "resend": Source(
        "resend.ResendInboundWebhookView", extra=(SubjectOnly, Svix), signs=True, needs_key=True
    ),
    "sendgrid": Source("sendgrid.SendGridInboundWebhookView"),
    "ses": Source("amazon_ses.AmazonSESInboundWebhookView", extra=(NoticeOnly,)),
    "sparkpost": Source("sparkpost.SparkPostInboundWebhookView"),
}


def scheme() -> str:
    return str(settings.HAND_OVER["bulk"]["scheme"])


def source() -> Source | None:
    """How the provider of issues posts mail that comes in; None when it does not."""
    return SOURCES.get(scheme())


@csrf_exempt  # what the provider sends along is the key
@require_http_methods(["GET", "HEAD", "POST"])
def receive(request: HttpRequest) -> HttpResponse:
    found = source()
    if not (found and settings.UNSUBSCRIBE_ADDRESS and settings.INBOUND_SECRET):
        raise Http404
    if request.method != "POST":  # some providers look whether anybody is there
        return HttpResponse()
    if not found.signs and "Authorization" not in request.headers:
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="webhook"'})
    receiver = _receiver(found, path=request.path)
    try:
        receiver.run_validators(request)
    except Exception as error:  # whatever it was: nothing is proven, so nothing is read
        logger.warning("A mail to the unsubscribe address was turned away: %s", type(error).__name__)
        return HttpResponse(status=403)
    try:
        told = [
            event for event in receiver.parse_events(request) if event
        ]  # none: the provider only tries it out
    except UNREADABLE as error:  # it would only be posted again, for hours
        _give_up(error)
        return HttpResponse()
    for event in told:
        _take(event.message)
    return _answer(getattr(receiver, "later", None))


def _answer(problem: requests.RequestException | None) -> HttpResponse:
    """Where something could not be had, the provider posts all of it again; what was read already counts once."""
    if not problem:
        return HttpResponse()
    logger.warning("A mail to the unsubscribe address cannot be fetched now: %s.", _said(problem))
    return HttpResponse(status=503)


def _status(error: requests.RequestException) -> int | None:
    return None if error.response is None else error.response.status_code


def _said(error: requests.RequestException) -> str:
    """Without the address, which opens the mail."""
    status = _status(error)
    return f"HTTP {status}" if status else type(error).__name__


def _receiver(found: Source, *, path: str) -> Any:
    name = "webhook_secret" if Svix in found.extra else found.key
    options: dict[str, Any] = {name: settings.INBOUND_SECRET}
    if found.needs_key:
        options["api_key"] = NO_KEY
    match scheme():
        case "mandrill":
            options["webhook_url"] = absolute_url(path)  # it signs this, too
        case "ses":
            given = settings.MAILERS["bulk"]["OPTIONS"]["client_params"]
            options["client_params"] = {"config": given["config"]}
        case "mailtrap":
            options["api_token"] = settings.MAILERS["bulk"]["OPTIONS"]["api_token"]
        case "postal":
            options[name] = postal.key(settings.INBOUND_SECRET)
    view = import_string(f"anymail.webhooks.{found.view}")
    with warnings.catch_warnings():  # said of SendGrid, which its maker cannot test any more
        warnings.simplefilter("ignore", AnymailNotSupportedWarning)
        return type("Receiver", (*found.extra, view), {})(**options)


def _take(message: Any) -> None:
    """One mail. Its provider's network says nothing of who wrote it; what program did, their mail may say."""
    if not _is_for_us(message):
        _count("to another address")
        return
    agent = str(message.get("User-Agent") or message.get("X-Mailer") or "")
    circumstances = Circumstances(Method.MAIL, agent=_plain(agent)[:LONGEST_AGENT])
    outcome = leaving.by_mail(_texts(message), circumstances=circumstances)
    if outcome in {leaving.ByMail.NOBODY, leaving.ByMail.NO_LINK}:
        _count(outcome.value)


def _is_for_us(message: Any) -> bool:
    ours = settings.UNSUBSCRIBE_ADDRESS.lower()
    return any(ours in {address, _untagged(address)} for address in _recipients(message))


def _recipients(message: Any) -> Iterator[str]:
    named = [value for name, value in message.raw_items() if name.lower() in RECIPIENTS]
    for value in (message.envelope_recipient or "", *named):
        yield from (address.lower() for _, address in getaddresses([str(value)]))


def _untagged(address: str) -> str:
    """`leave+tag@` is `leave@` to most who take mail (RFC 5233)."""
    local, _, domain = address.rpartition("@")
    return f"{local.rpartition('+')[0]}@{domain}"


def _is_by_machine(message: Any) -> bool:
    """An answer that nobody wrote, or a notice of failed delivery (RFC 3834 5)."""
    said = str(message.get("Auto-Submitted") or "no").partition(";")[0]
    return said.strip().lower() != "no"


def _texts(message: Any) -> list[str]:
    """The subject, where our own header puts the token; what a person wrote may have it anywhere."""
    texts = [str(message.subject or "")]
    if _is_by_machine(message):
        return texts
    for part in ("text", "html"):
        try:
            texts.append(_plain(getattr(message, part) or "")[:LONGEST_TEXT])
        except UNREADABLE:  # letters of a kind that Python does not know
            continue
    return texts


def _plain(text: str) -> str:
    return text.encode(errors="replace").decode().replace("\0", "")


def _give_up(error: Exception) -> None:
    logger.error("A mail to the unsubscribe address cannot be read.", exc_info=error)
    _count(repr(error)[:LONGEST_AGENT])


def _count(problem: str) -> None:
    """An event that has no effect, and goes with the others after their time."""
    Event.objects.create(
        key=uuid.uuid4(),
        mailer="bulk",
        kind=Event.Kind.OTHER,
        words="mail to the unsubscribe address",
        problem=problem,
        happened_at=timezone.now(),
        processed_at=Now(),
    )
