"""Bursts: many readers who left by the page from one network within minutes. A mail scanner that presses buttons, most
likely; a person looks, and brings them back or lets them go.

A mail program's one click does not count: it comes from its provider's own network, whoever the reader is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count, Exists, IntegerField, Max, Min, OuterRef, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import lifecycle
from subscribers.consent import Circumstances, Kind, Method
from subscribers.models import Burst, ConsentEvent, Subscription, Suppression
from subscribers.networks import is_anybodys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

# A scanner goes through a company's mail within minutes of its arrival, from a few machines of its own. Of the 256
# addresses of one network, ten people hardly leave the same newsletter in the same ten minutes; fewer may.
MANY, WITHIN = 10, timedelta(minutes=10)
LOOK_BACK = timedelta(hours=24)  # after an outage of the worker, too
BROUGHT_AT_ONCE = 500  # while somebody waits for the page; some seconds
State = Burst.State
NEVER = datetime.min.replace(tzinfo=UTC)
# Seconds between the mail and the leaving, where they are known.
WAITED = Cast(KT("details__seconds"), IntegerField())


@dataclass(frozen=True, slots=True)
class Stretch:
    began_at: datetime
    ended_at: datetime
    readers: int


@dataclass(frozen=True, slots=True)
class Account:
    """One burst as a person looks at it."""

    burst: Burst
    away: int  # who left then, and could be brought back
    agents: Sequence[tuple[str, int]]  # the programs, the most used first
    soonest: int | None  # seconds between the mail and the leaving, where they are known
    typically: int | None
    people: Sequence[ConsentEvent]  # each with `is_away`; the first of them


def of(newsletters: Iterable[Newsletter]) -> QuerySet[Burst]:
    return Burst.objects.filter(newsletter__in=newsletters).select_related("newsletter", "settled_by")


def look(*, now: datetime) -> int:
    """Note the bursts of late, and how far those have come that are not settled. Returns how many are new."""
    return sum(_look_at(newsletter, now=now) for newsletter in Newsletter.objects.only("pk"))


def account(burst: Burst, *, shown: int) -> Account:
    """Counted by the database: a provider's scanner goes through the mail of a hundred thousand."""
    leavings = _leavings(burst).order_by().annotate(is_away=_is_away(burst), waited=WAITED)
    away = Count("pk", filter=Q(is_away=True))
    found = leavings.aggregate(away=away, soonest=Min("waited"), known=Count("waited"))
    agents = leavings.values_list("agent").annotate(count=Count("pk")).order_by("-count", "agent")
    people: Any = leavings.select_related("subscriber").order_by("happened_at", "pk")
    return Account(
        burst=burst,
        away=found["away"],
        agents=list(agents[:3]),
        soonest=found["soonest"],
        typically=_median(leavings, of=found["known"]),
        people=list(people[:shown]),
    )


def _median(leavings: QuerySet[Any], *, of: int) -> int | None:
    waited = leavings.filter(waited__isnull=False).order_by("waited").values_list("waited", flat=True)
    return int(median(waited[(of - 1) // 2 : of // 2 + 1])) if of else None


def bring_back(burst: Burst, *, by: User) -> tuple[int, int]:
    """Take these leavings back, as if they had not been: (how many by this call, how many are left to do).

    Only whose last leaving was in the burst, from its network. Safe to call twice, also at the same time: each leaving
    is taken back once. Those who confirmed a new sign-up since, or came back, stay as they are.
    """
    _look_at(burst.newsletter, now=timezone.now())  # it may have gone on since somebody looked
    burst.refresh_from_db()
    if burst.state == State.DISMISSED:
        return 0, 0
    circumstances = Circumstances(Method.EDITOR, details={"by": by.get_username(), "burst": burst.pk})
    away = _leavings(burst).filter(_is_away(burst))
    brought = sum(_take_back(event, circumstances) for event in away.order_by("pk")[:BROUGHT_AT_ONCE])
    left = away.count()
    if not left:
        _settle(burst, State.REVERSED, by=by)
    return brought, left


def dismiss(burst: Burst, *, by: User) -> bool:
    """They meant it. False when it was settled before."""
    return _settle(burst, State.DISMISSED, by=by)


def _take_back(event: ConsentEvent, circumstances: Circumstances) -> bool:
    theirs = Subscription.objects.filter(subscriber=event.subscriber_id, newsletter=event.newsletter_id)
    subscription = theirs.with_both().first()
    return subscription is not None and lifecycle.take_back(
        subscription, left_at=event.happened_at, kind=Kind.BROUGHT_BACK, circumstances=circumstances
    )


def _settle(burst: Burst, state: Burst.State, *, by: User) -> bool:
    is_open = Burst.objects.filter(pk=burst.pk, state=State.OPEN)
    changed = is_open.update(state=state, settled_by=by, settled_at=timezone.now())
    burst.refresh_from_db()
    return changed == 1


def _leavings(burst: Burst) -> QuerySet[ConsentEvent]:
    return _by_the_page(burst.newsletter_id).filter(
        network=burst.network, happened_at__gte=burst.began_at, happened_at__lte=burst.ended_at
    )


def _is_away(burst: Burst) -> Exists:
    """Of a leaving: whether it is their last one, and can be taken back (lifecycle.take_back)."""
    suppressed = Suppression.objects.filter(address_key=OuterRef("subscriber__address_key"))
    left = Subscription.objects.filter(
        ~Exists(suppressed),
        subscriber=OuterRef("subscriber"),
        newsletter=burst.newsletter_id,
        unsubscribed_at=OuterRef("happened_at"),
        unsubscribed_at__gt=timezone.now() - lifecycle.UNDO_LIFE,
    )
    return Exists(left.exclude(left_as=""))


def _by_the_page(newsletter_id: int) -> QuerySet[ConsentEvent]:
    return ConsentEvent.objects.filter(kind=Kind.LEFT, method=Method.LINK, newsletter=newsletter_id)


def _look_at(newsletter: Newsletter, *, now: datetime) -> int:
    left = _by_the_page(newsletter.pk).filter(happened_at__gt=now - LOOK_BACK).exclude(network="")
    suspects = left.order_by().values("network").annotate(readers=Count("subscriber", distinct=True))
    many = suspects.filter(readers__gte=MANY).values_list("network", Max("happened_at"))
    known = _known(newsletter)
    networks = [
        network for network, last in many if not is_anybodys(network) and known.get(network, NEVER) < last
    ]
    if not networks:
        return 0
    with transaction.atomic():
        Newsletter.objects.select_for_update().only("pk").get(pk=newsletter.pk)  # two workers take turns
        times = _times(left.filter(network__in=networks))
        return sum(
            _note(newsletter, network, stretch)
            for network in networks
            for stretch in _stretches(_unsettled(newsletter, network, times[network]))
        )


def _known(newsletter: Newsletter) -> dict[str, datetime]:
    """By network, until when its leavings stand in a burst: there is nothing new to tell of those."""
    ends = Burst.objects.filter(newsletter=newsletter).order_by().values_list("network")
    return dict(ends.annotate(last=Max("ended_at")))


def _times(events: QuerySet[ConsentEvent]) -> Mapping[str, list[datetime]]:
    """By network, when each reader left it for the last time, in order."""
    last: dict[tuple[str, int], datetime] = {}
    for network, reader, at in events.order_by("happened_at").values_list(
        "network", "subscriber", "happened_at"
    ):
        last[network, reader] = at
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    for (network, _), at in last.items():
        found[network].append(at)
    return {network: sorted(times) for network, times in found.items()}


def _unsettled(newsletter: Newsletter, network: str, times: Sequence[datetime]) -> list[datetime]:
    """Of what a person has decided once nothing is asked again."""
    settled = Burst.objects.filter(newsletter=newsletter, network=network).exclude(state=State.OPEN)
    last = settled.order_by("-ended_at").values_list("ended_at", flat=True).first()
    return [at for at in times if last is None or at > last]


def _stretches(times: Sequence[datetime]) -> Iterator[Stretch]:
    """Where MANY stand WITHIN, for as long as they do."""
    begin = end = None
    for last in range(MANY - 1, len(times)):
        first = last - MANY + 1
        if times[last] - times[first] > WITHIN:
            continue
        if begin is not None and end is not None and first > end:
            yield Stretch(times[begin], times[end], end - begin + 1)
            begin = None
        begin, end = (first if begin is None else begin), last
    if begin is not None and end is not None:
        yield Stretch(times[begin], times[end], end - begin + 1)


def _note(newsletter: Newsletter, network: str, stretch: Stretch) -> bool:
    """True when it is a new one; one that is known and still open moves on."""
    known = Burst.objects.filter(
        newsletter=newsletter,
        network=network,
        state=State.OPEN,
        began_at__lte=stretch.ended_at,
        ended_at__gte=stretch.began_at,
    )
    if burst := known.order_by("began_at").first():
        began_at, ended_at = min(burst.began_at, stretch.began_at), max(burst.ended_at, stretch.ended_at)
        readers = max(burst.readers, stretch.readers)
        if (began_at, ended_at, readers) != (burst.began_at, burst.ended_at, burst.readers):
            known.filter(pk=burst.pk).update(began_at=began_at, ended_at=ended_at, readers=readers)
        return False
    Burst.objects.create(
        newsletter=newsletter,
        network=network,
        began_at=stretch.began_at,
        ended_at=stretch.ended_at,
        readers=stretch.readers,
    )
    return True
