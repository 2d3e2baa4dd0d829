"""What stands still, or needs a person, at this moment: by query alone, so that the web process sees it too.

Queries look at open dispatches and at what happened lately, never at a whole audience.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Sum
from django.db.models.functions import Now

from delivery import circuit
from delivery.models import Alarm, Attempt, Batch, Delivery, Digest, Dispatch, Installation, MailerState
from newsletter.models import Issue, Newsletter
from subscribers import bursts
from subscribers.models import Burst, Siege

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import QuerySet

Kind = Alarm.Kind
LATE = timedelta(minutes=2)  # beat looks every ten seconds for what is due
LATE_DIGEST = LATE + timedelta(minutes=1)  # it waits a minute for what came out at its very moment
# A dispatch that has ended gets new doubts only from a worker that dies with it; open alarms are followed for ever.
LATELY = timedelta(days=2)
YESTERDAY = timedelta(days=1)  # who has not looked after a missed issue by then does not mean to
MOST = 200
# Whoever comes in waves, or goes through one company's networks one by one, is one event.
LULL = timedelta(hours=6)
HALF_A_DAY = timedelta(hours=12)

# A hand-over that did not take place, because the provider could not be reached or took nothing from us.
IN_VAIN = Q(outcome=Attempt.Outcome.NOT_SENT) & ~Q(detail="")


# Its kind, and the keys of its newsletter (only where it is about no issue), its issue and its dispatch.
Key = tuple[str, int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Trouble:
    kind: Alarm.Kind
    about: Issue | Newsletter
    since: datetime
    dispatch: Dispatch | None = None
    words: str = ""  # a provider's, or ours; they may name a reader
    readers: int = 0
    usual: int = 0  # readers, where there are more

    @property
    def issue(self) -> Issue | None:
        return self.about if isinstance(self.about, Issue) else None

    @property
    def newsletter(self) -> Newsletter:
        return self.about.newsletter if isinstance(self.about, Issue) else self.about

    @property
    def key(self) -> Key:
        issue, dispatch = self.issue, self.dispatch
        newsletter_id = None if issue else self.newsletter.pk
        return self.kind, newsletter_id, issue.pk if issue else None, dispatch.pk if dispatch else None


def found() -> list[Trouble]:
    """What keeps mail from its readers."""
    return [*_not_started(), *_not_written(), *_back_in_draft(), *_of_dispatches()]


def at_the_door() -> list[Trouble]:
    """What machines do to readers, or to who would be one. Courant copes; a person should know."""
    return [*_sieges(), *_bursts()]


def _not_started() -> Iterator[Trouble]:
    late = list(Issue.objects.due(since=LATE).select_related("newsletter").defer("body")[:MOST])
    words = _why_frozen() if late else ""
    for issue in late:
        if issue.scheduled_at:
            yield Trouble(Kind.NOT_STARTED, issue, issue.scheduled_at, words=words)


def _not_written() -> Iterator[Trouble]:
    """A digest that somebody waits for. Its error is in a worker's log; its row is still to be settled."""
    late = Digest.objects.open().filter(at__lte=Now() - LATE_DIGEST, newsletter__weekly_readers__gt=0)
    digests = list(late.select_related("newsletter").order_by("at")[:MOST])
    words = _why_frozen() if digests else ""
    for digest in digests:
        yield Trouble(Kind.NOT_WRITTEN, digest.newsletter, digest.at, words=words)


def _why_frozen() -> str:
    frozen = Installation.objects.exclude(frozen_since=None).values_list("frozen_reason", flat=True)
    return frozen.first() or ""


def _sieges() -> Iterator[Trouble]:
    told = Alarm.objects.open().filter(kind=Kind.SIEGE, newsletter=OuterRef("newsletter"))
    those = Siege.objects.filter(Q(ended_at=None) | Q(Exists(told), ended_at__gt=Now() - LULL))
    for siege in those.select_related("newsletter").order_by("began_at")[:MOST]:
        yield Trouble(Kind.SIEGE, siege.newsletter, siege.began_at, readers=siege.most, usual=siege.usual)


def _bursts() -> Iterator[Trouble]:
    """All that nobody has looked at, of a newsletter: one event. Over when somebody has, or by the next morning's.

    One that was found late, since no worker ran, has half a day from when it was told.
    """
    told = Alarm.objects.filter(Q(cleared_at=None) | Q(cleared_at__gte=OuterRef("began_at")), kind=Kind.BURST)
    told = told.filter(newsletter=OuterRef("newsletter"), since__lte=OuterRef("ended_at"))
    is_late = ~Exists(told) & Q(ended_at__gt=Now() - bursts.LOOK_BACK)
    is_told = Exists(told.filter(raised_at__gt=Now() - HALF_A_DAY))
    those = Burst.objects.filter(
        Q(ended_at__gt=Now() - HALF_A_DAY) | is_late | is_told, state=Burst.State.OPEN
    )
    rows = those.order_by().values("newsletter").annotate(since=Min("began_at"), left=Sum("readers"))
    by_newsletter = {row["newsletter"]: row for row in rows[:MOST]}
    for newsletter in Newsletter.objects.filter(pk__in=by_newsletter):
        row = by_newsletter[newsletter.pk]
        yield Trouble(Kind.BURST, newsletter, row["since"], readers=row["left"])


def _back_in_draft() -> Iterator[Trouble]:
    """What was due is not due any more; the alarm alone remembers it. Over when somebody has looked after the issue.

    A digest has no writer who would miss it: it is over when a later one has told of it.
    """
    later = Digest.objects.filter(
        newsletter=OuterRef("issue__newsletter"),
        at__gt=OuterRef("issue__digest__at"),
        issue__dispatches__audience=Dispatch.Audience.EVERYONE,
    )
    untold = Q(issue__kind=Issue.Kind.DIGEST) & ~Exists(later)
    waiting = Alarm.objects.open().filter(
        untold | Q(raised_at__gt=Now() - YESTERDAY),
        kind__in=[Kind.MISSED, Kind.REFUSED],
        issue__status=Issue.Status.DRAFT,
    )
    for alarm in waiting.select_related("issue__newsletter").defer("issue__body")[:MOST]:
        if alarm.issue:
            yield Trouble(Kind(alarm.kind), alarm.issue, alarm.since)


def _of_dispatches() -> Iterator[Trouble]:
    dispatches = list(_watched().annotate(now=Now())[:MOST])
    doubts = _doubts(dispatches)
    for dispatch in dispatches:
        state, now = dispatch.state, dispatch.now
        if state == Dispatch.State.PAUSED and dispatch.reason:  # a person gives none
            yield Trouble(Kind.PAUSED, dispatch.issue, dispatch.state_since, dispatch, words=dispatch.reason)
        since = _idle_since(dispatch, now=now) if dispatch.is_running else None
        if since and now - since > settings.STALL_AFTER:
            yield Trouble(Kind.STALLED, dispatch.issue, since, dispatch, words=_last_words(dispatch))
        if dispatch.pk in doubts:
            readers, begun = doubts[dispatch.pk]
            yield Trouble(Kind.UNCERTAIN, dispatch.issue, begun, dispatch, readers=readers)


def _watched() -> QuerySet[Dispatch]:
    is_open = Q(state__in=[Dispatch.State.PREPARING, Dispatch.State.SENDING, Dispatch.State.PAUSED])
    is_alarmed = Q(pk__in=Alarm.objects.open().exclude(dispatch=None).values("dispatch"))
    those = Dispatch.objects.filter(is_open | is_alarmed | Q(finished_at__gt=Now() - LATELY))
    return those.select_related("issue__newsletter").defer("html", "text", "issue__body")


def _doubts(dispatches: Sequence[Dispatch]) -> dict[int, tuple[int, datetime]]:
    """(readers, since) by dispatch. Found by their hand-overs: there is no index on a delivery's state."""
    unclear = [Attempt.Outcome.OPEN, Attempt.Outcome.UNCERTAIN]
    attempts = Attempt.objects.filter(batch__dispatch__in=[each.pk for each in dispatches])
    uncertain = Delivery.objects.filter(
        batch__in=attempts.filter(outcome__in=unclear).values("batch"), state=Delivery.State.UNCERTAIN
    )
    rows = uncertain.order_by().values_list("dispatch_id")
    counted = rows.annotate(readers=Count("pk"), since=Min("settled_at"))
    return {dispatch_id: (readers, since) for dispatch_id, readers, since in counted}


def _idle_since(dispatch: Dispatch, *, now: datetime) -> datetime | None:
    """Since when there is something to do and nobody does it. None while it goes, or waits as it was told to."""
    if dispatch.state == Dispatch.State.PREPARING:
        return dispatch.state_since
    if dispatch.not_before and dispatch.not_before > now:
        return None
    mailer = _open_mailer(dispatch.mailer, now=now)
    if mailer is None or _is_moving(dispatch):
        return None
    alias, open_since = mailer
    due_since = _due_since(dispatch, alias=alias)
    if due_since is None:
        return None
    times = [dispatch.state_since, dispatch.not_before, open_since, due_since, _last_progress(dispatch)]
    return max(filter(None, times))


def _open_mailer(preferred: str, *, now: datetime) -> tuple[str, datetime | None] | None:
    """Which mailer takes batches now, and since when; as circuit.route sees it, but without taking the trial."""
    aliases = circuit.mailers(preferred)
    states = {state.alias: state for state in MailerState.objects.filter(alias__in=aliases)}
    for alias in aliases:
        state = states.get(alias)
        if state is None:
            return alias, None
        if state.broken_since and (state.next_trial is None or state.next_trial > now):
            continue
        if state.not_before and state.not_before > now:
            return None
        return alias, max(filter(None, [state.not_before, state.next_trial]), default=None)
    return None


def _is_moving(dispatch: Dispatch) -> bool:
    if Batch.objects.live().filter(dispatch=dispatch, lease_until__gt=Now()).exists():
        return True
    # By the index on mailer and time: only what began lately is looked at, however long the ledger is.
    lately = Attempt.objects.filter(
        mailer__in=circuit.mailers(dispatch.mailer), started_at__gt=Now() - settings.STALL_AFTER
    )
    return lately.filter(batch__dispatch=dispatch).exclude(IN_VAIN).exists()


def _due_since(dispatch: Dispatch, *, alias: str) -> datetime | None:
    """Since when some batch could go, or wants to be looked after; None when all of them wait for their time."""
    batches = Batch.objects.open().filter(dispatch=dispatch)
    if batches.live().exists() or not batches.exists():  # its worker is dead; only its end is to be noted
        return dispatch.state_since
    if _last_attempt(dispatch).filter(IN_VAIN).exists():  # trying again and again is no progress
        return dispatch.state_since
    ready = Batch.objects.ready(dispatch.pk).filter(pinned_to__in=["", alias])
    first = ready.order_by(F("not_before").asc(nulls_first=True)).values_list("not_before", flat=True)[:1]
    return next((moment or dispatch.state_since for moment in first), None)


def _last_attempt(dispatch: Dispatch) -> QuerySet[Attempt]:
    newest = Attempt.objects.filter(batch__dispatch=dispatch).order_by().aggregate(pk=Max("pk"))["pk"]
    return Attempt.objects.filter(pk=newest)


def _last_progress(dispatch: Dispatch) -> datetime | None:
    attempts = Attempt.objects.filter(batch__dispatch=dispatch).exclude(IN_VAIN)
    times = attempts.aggregate(begun=Max("started_at"), ended=Max("ended_at"))
    return max(filter(None, times.values()), default=None)


def _last_words(dispatch: Dispatch) -> str:
    """Why the last hand-over did not take place, if it did not."""
    return _last_attempt(dispatch).filter(IN_VAIN).values_list("detail", flat=True).first() or ""
