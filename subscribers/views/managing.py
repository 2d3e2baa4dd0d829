"""The page of one person: what they get, how often, what we know of them. Every section is a form of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone
from django.views.decorators.http import require_safe

from newsletter import zones
from subscribers import changing_address, managing, wordings
from subscribers.forms.managing import FieldsForm, NewAddressForm, PersonForm, RhythmForm
from subscribers.models import Subscription, Suppression
from subscribers.views import holding
from subscribers.views.holding import Holder, held

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from newsletter.models import Newsletter
    from subscribers.models import Subscriber
    from subscribers.wordings import Shown


@dataclass(frozen=True, slots=True)
class Filled:
    """Forms as they were filled in, where something in them must be mended."""

    of: int = 0  # the subscription
    rhythm: RhythmForm | None = None
    fields: FieldsForm | None = None
    person: PersonForm | None = None
    address: NewAddressForm | None = None


UNTOUCHED = Filled()


@dataclass(frozen=True, slots=True)
class Section:
    """One newsletter they have, or had."""

    subscription: Subscription
    state: str  # its status; of one they have and that does not get to them, the suppression's reason
    rhythm: RhythmForm
    fields: FieldsForm
    agreement: Shown  # what stands at the button that begins it again

    @property
    def newsletter(self) -> Newsletter:
        return self.subscription.newsletter

    @property
    def can_be_begun(self) -> bool:
        return self.state not in Subscription.READING


@dataclass(frozen=True, slots=True)
class Clock:
    zone: str
    town: str


@require_safe
@held
def manage(request: HttpRequest, holder: Holder) -> HttpResponse:
    return page(request, holder)


def page(
    request: HttpRequest, holder: Holder, filled: Filled = UNTOUCHED, *, status: int = 200
) -> HttpResponse:
    subscriber, now = holder.subscriber, timezone.now()
    suppression = managing.suppression_of(subscriber)
    change = changing_address.open_of(subscriber, now=now)
    context = {
        "sections": _sections(holder, filled, suppression=suppression, now=now),
        "others": [
            (each, wordings.shown(managing.as_begun_here(each))) for each in managing.not_had_by(subscriber)
        ],
        "person": filled.person or PersonForm(subscriber=subscriber),
        "address": filled.address or NewAddressForm(subscriber=subscriber),
        "change": change,
        "change_ends": change and change.asked_at + changing_address.LIFE,
        "change_waits": change and changing_address.waits_until(change, now=now),
        "new_address": change.new_email if change else "",
        "clock": _clock(subscriber) if change else None,
        "is_kept_out": _is_for_good(suppression),
        "needs_mending": filled is not UNTOUCHED,
        "saved": request.GET.get("saved", "") if request.method != "POST" else "",
        "of": request.GET.get("of", ""),
    }
    return holding.page(request, "subscribers/manage.html", holder, context, status=status)


def _sections(
    holder: Holder, filled: Filled, *, suppression: Suppression | None, now: datetime
) -> list[Section]:
    rows = Subscription.objects.filter(subscriber=holder.subscriber)
    rows = rows.select_related("newsletter").prefetch_related(
        "newsletter__reader_fields", "newsletter__usual_times"
    )
    ordered = sorted(rows, key=lambda each: (not each.is_reading, each.newsletter.name, each.pk))
    return [_section(each, filled, suppression=suppression, now=now) for each in ordered]


def _section(
    subscription: Subscription, filled: Filled, *, suppression: Suppression | None, now: datetime
) -> Section:
    is_filled = filled.of == subscription.pk
    with timezone.override(subscription.newsletter.time_zone):
        rhythm = (filled.rhythm if is_filled else None) or RhythmForm(subscription=subscription, now=now)
    return Section(
        subscription,
        state=suppression.reason if suppression and subscription.is_reading else subscription.status,
        rhythm=rhythm,
        fields=(filled.fields if is_filled else None) or FieldsForm(subscription=subscription),
        agreement=wordings.shown(managing.as_begun_here(subscription.newsletter)),
    )


def _clock(subscriber: Subscriber) -> Clock:
    """By which a time is said that is of no one newsletter: of the one that writes to them about it."""
    speaker = managing.speaks_to(subscriber)
    zone = speaker.newsletter.time_zone if speaker else "UTC"
    return Clock(zone, zones.town(zone))


def _is_for_good(suppression: Suppression | None) -> bool:
    """Only a person may lift it: no button helps."""
    return suppression is not None and suppression.reason not in Suppression.LIFTED_BY_CONFIRMING
