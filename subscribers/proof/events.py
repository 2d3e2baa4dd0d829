"""What happened to a reader's consent, told once: in words for a page, and as plain data for a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from subscribers.models import ConsentEvent, Subscription

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from newsletter.models import Newsletter
    from subscribers.models import Subscriber, Wording
    from subscribers.models.consent import ConsentEventQuerySet

Kind = ConsentEvent.Kind
# What is told of an event beside the rest, in this order. Other keys are in the file only.
LABELS: dict[str, str | Promise] = {
    "by": _("By"),
    "file": _("File"),
    "consent": _("What the publisher says of it"),
    "page": _("Page"),
    "referrer": _("Came from"),
    "utm_source": _("Source"),
    "utm_campaign": _("Campaign"),
    "ref": _("Referred by"),
    "until": _("Until"),
    "frequency": _("Gets"),
    "chosen": _("Language"),
    "from": _("Before"),
    "reason": _("Reason"),
    "words": _("In their words"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """An event in words."""

    what: str
    how: str
    at: datetime
    network: str
    agent: str
    wording: Wording | None
    is_wording_unknown: bool
    details: list[tuple[str, str]]


def of(subscriber: Subscriber) -> ConsentEventQuerySet:
    """With all that is told of each."""
    return ConsentEvent.objects.filter(subscriber=subscriber).select_related("newsletter", "wording")


def in_words(event: ConsentEvent) -> Step:
    details = event.details if isinstance(event.details, dict) else {}
    is_again = _is_again(event.kind, details)
    return Step(
        what=str(_("asked again for the mail")) if is_again else event.get_kind_display(),
        how=str(_("the page after the form")) if is_again else event.get_method_display(),
        at=event.happened_at,
        network=event.network,
        agent=event.agent,
        wording=None if is_again else event.wording,
        is_wording_unknown=not is_again
        and event.kind == Kind.ASKED
        and event.method == ConsentEvent.Method.FORM
        and event.wording_id is None,
        details=[
            (str(label), _said(name, str(details[name])))
            for name, label in LABELS.items()
            if details.get(name)
        ],
    )


def _is_again(kind: str, details: dict[str, object]) -> bool:
    """The button on the page after the form: nobody agreed to anything a second time."""
    return kind == Kind.ASKED and bool(details.get("again"))


def as_data(event: ConsentEvent) -> dict[str, object]:
    """The words of the database, the same in every language."""
    return {
        "what": event.kind,
        "how": event.method,
        "when": iso(event.happened_at),
        "newsletter": slug_of(event.newsletter),
        "network": event.network,
        "program": event.agent,
        "page_language": event.language,
        "agreed_to": event.wording and _words_of(event.wording),
        "details": event.details,
    }


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def slug_of(newsletter: Newsletter | None) -> str | None:
    return newsletter.slug if newsletter else None


def _words_of(wording: Wording) -> dict[str, object]:
    return {
        "text": wording.text,
        "version": wording.version,
        "language": wording.language,
        "sha256": wording.digest,
    }


def _said(name: str, value: str) -> str:
    match name:
        case "until":
            return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M}"
        case "frequency" if value in Subscription.Frequency:
            return str(Subscription.Frequency(value).label)
        case "chosen":
            return dict(settings.READER_LANGUAGES).get(value, value)
    return value
