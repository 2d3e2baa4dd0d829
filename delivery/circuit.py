"""Which mailer the next batch goes by. One that does not work gives way to the second; without one, a person decides.

Only batches that were surely not handed over are ever given to another mailer: what is uncertain is in no ready batch,
and a doubt that can be cleared by asking again is pinned to the mailer it belongs to.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q, Subquery
from django.db.models.functions import Now

from delivery.models import Attempt, Dispatch, MailerState

if TYPE_CHECKING:
    from datetime import datetime

logger = logging.getLogger(__name__)

FALLBACK = "fallback"
TRIAL_AFTER = timedelta(
    minutes=2
)  # a mailer that did not work is given one batch so often, to see whether it does


@dataclass(frozen=True, slots=True)
class Route:
    alias: str = ""  # "" when no mailer takes anything now
    wait: float | None = None  # seconds until one may; None when nobody can say


def mailers(preferred: str) -> list[str]:
    """In the order in which they are used."""
    return [preferred, *([FALLBACK] if FALLBACK in settings.HAND_OVER and preferred != FALLBACK else [])]


def has_second() -> bool:
    return FALLBACK in settings.HAND_OVER


def in_use(preferred: str) -> str:
    """The mailer by which the next batch goes, as far as one can see without asking for it."""
    aliases = mailers(preferred)
    if len(aliases) == 1:
        return preferred
    broken = MailerState.objects.filter(alias__in=aliases).exclude(broken_since=None)
    down = set(broken.values_list("alias", flat=True))
    return next((alias for alias in aliases if alias not in down), preferred)


def route(preferred: str) -> Route:
    """By which mailer a batch of a dispatch that prefers this one goes now. One query."""
    aliases = mailers(preferred)
    rows = MailerState.objects.filter(alias__in=aliases).annotate(now=Now())
    states = {state.alias: state for state in rows}
    for alias in aliases:
        state = states.get(alias)
        if state is None:
            return Route(alias)
        if len(aliases) > 1 and state.broken_since and not _is_on_trial(state, now=state.now):
            continue
        if state.not_before and state.not_before > state.now:
            return Route(wait=(state.not_before - state.now).total_seconds())
        return Route(alias)
    return Route()


class Way:
    """`route`, asked again after a second: a worker that makes ten hand-overs a second need not ask for each."""

    KEPT = 1.0  # seconds

    def __init__(self, preferred: str) -> None:
        self._preferred = preferred
        self._until = 0.0
        self.last = Route()

    def now(self) -> Route:
        if time.monotonic() >= self._until:
            self.last = route(self._preferred)
            # A trial is for one batch, so whoever got it asks again for the next.
            is_kept = self.last.alias and not has_second()
            self._until = time.monotonic() + (self.KEPT if is_kept else 0.0)
        return self.last

    def look_again(self) -> None:
        self._until = 0.0


def hold_back_for(alias: str, *, seconds: float, words: str) -> None:
    """Everybody waits for this mailer: it said so. Never shortens a longer wait."""
    MailerState.objects.get_or_create(alias=alias)
    later = Now() + timedelta(seconds=seconds)
    earlier = Q(not_before__isnull=True) | Q(not_before__lt=later)
    MailerState.objects.filter(earlier, alias=alias).update(not_before=later, waiting_for=words)


def give_way(dispatch_id: int, alias: str, *, reason: str) -> None:
    """This mailer does not work. If another one can take over, it does; else the dispatch pauses and says why."""
    preferred = Dispatch.objects.values_list("mailer", flat=True).get(pk=dispatch_id)
    MailerState.objects.get_or_create(alias=alias)
    opened = MailerState.objects.filter(alias=alias, broken_since=None).update(
        broken_since=Now(), reason=reason, next_trial=Now() + TRIAL_AFTER
    )
    if opened:
        logger.error("Mailer %s does not work: %s", alias, reason)
    broken = set(MailerState.objects.exclude(broken_since=None).values_list("alias", flat=True))
    if broken.issuperset(mailers(preferred)):
        close(
            *mailers(preferred)
        )  # the pause is the circuit now: whoever goes on has a reason to try them again
        pause(dispatch_id, reason=reason)


def works(attempt: Attempt) -> None:
    """It took something: a trial went well, or it was never broken. What began before it broke shows nothing."""
    began = Attempt.objects.filter(pk=attempt.pk).values("started_at")
    broken = MailerState.objects.filter(alias=attempt.mailer, broken_since__lt=Subquery(began))
    if broken.update(broken_since=None, reason="", next_trial=None):
        logger.warning("Mailer %s works again.", attempt.mailer)


def close(*aliases: str) -> None:
    """Try them again from now on: a person said so."""
    MailerState.objects.filter(alias__in=aliases).update(
        broken_since=None, reason="", next_trial=None, not_before=None, waiting_for="", free_at=None
    )
    # What waited for the allowance of one mailer may go by the other, or looks again.
    waiting = Dispatch.objects.filter(mailer__in=aliases, state=Dispatch.State.SENDING)
    waiting.exclude(not_before=None).update(not_before=None, reason="")


def pause(dispatch_id: int, *, reason: str) -> None:
    if Dispatch.objects.move(
        dispatch_id, to=Dispatch.State.PAUSED, allowed=[Dispatch.State.SENDING], reason=reason
    ):
        logger.error("Dispatch %s is paused: %s", dispatch_id, reason)


def _is_on_trial(state: MailerState, *, now: datetime) -> bool:
    """Whether this one batch may see if the mailer works again. The row count decides who of many workers it is."""
    if state.next_trial is None or state.next_trial > now:
        return False
    due = MailerState.objects.filter(alias=state.alias, next_trial__lte=Now())
    return due.update(next_trial=Now() + TRIAL_AFTER) == 1
