from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.core.cache import cache
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from delivery import answers, control, courses, progress, waiting
from delivery.courses import Course
from delivery.models import Answer, Batch, Dispatch
from delivery.views import desk
from newsletter import team

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

# The balance of a million readers is a query of a quarter of a second: however many pages watch it go out, a web
# process asks once in this time.
KEPT_SECONDS = 2


@staff_member_required
@desk.may_watch
@never_cache
@require_safe
def dispatch(request: HttpRequest, dispatch_id: int) -> HttpResponse:
    """The whole page: counted anew each time, since somebody may just have pressed something."""
    found = desk.dispatch_or_404(dispatch_id)
    with timezone.override(found.issue.newsletter.time_zone):
        context = _context(request, found, _figures(found)) | {"title": found.subject}
        return desk.page(request, "delivery/dispatch_detail.html", context)


@staff_member_required
@desk.may_watch
@never_cache
@require_safe
def dispatch_progress(request: HttpRequest, dispatch_id: int) -> HttpResponse:
    """The part of the page that htmx asks for again and again."""
    found = desk.dispatch_or_404(dispatch_id)
    with timezone.override(found.issue.newsletter.time_zone):
        figures = _kept_figures(found) if found.is_running else _figures(found)
        return render(request, "delivery/_dispatch_progress.html", _context(request, found, figures))


@dataclass(frozen=True, slots=True)
class Figures:
    """What is looked up in the ledger."""

    balance: progress.Balance
    carried: list[progress.Carried]
    rate: float
    waits: list[str]
    mailer: str  # by which the next batch goes
    family: list[Course]  # each sending of the same issue: to everyone, to the rest, or a correction
    answers: list[tuple[str, int]]
    counted_at: datetime

    @property
    def finish_at(self) -> datetime | None:
        """When it is done at this speed; nobody can say while it waits for something."""
        left = self.balance.pending + self.balance.in_flight
        if not (self.rate and left) or self.waits:
            return None
        return self.counted_at + timedelta(seconds=left / self.rate)

    @property
    def settled_later(self) -> int:
        """Who counts as accepted without an answer of a mailer to us: somebody looked, or the provider told later."""
        return max(0, self.balance.accepted - sum(each.accepted for each in self.carried))

    def has_follower(self, found: Dispatch, *, to: Dispatch.Audience) -> bool:
        relatives = (each.dispatch for each in self.family)
        return any(each.after_id == found.pk and each.audience == to for each in relatives)


def _figures(found: Dispatch) -> Figures:
    now = timezone.now()
    balance = progress.balance(found)
    return Figures(
        balance=balance,
        carried=progress.carried(found),
        rate=progress.rate(found) if found.is_running else 0.0,
        waits=waiting.waits(found, now=now),
        mailer="" if found.finished_at else waiting.mailer_name(waiting.in_use(found)),
        family=_family(found, balance),
        answers=_answers(found),
        counted_at=now,
    )


def _answers(found: Dispatch) -> list[tuple[str, int]]:
    """(words, readers); nothing as long as nobody has said anything."""
    counts = answers.counts(found.issue)
    return (
        [(str(Answer.Verdict(said).label), n) for said, n in counts.items()] if any(counts.values()) else []
    )


def _family(found: Dispatch, balance: progress.Balance) -> list[Course]:
    """Nothing where it is the only one. The ledger is counted for this one alone: each may have a million rows."""
    all_of_it = progress.family(found)
    if len(all_of_it) < 2:
        return []
    this = Course(found, balance.accepted, balance.failed, balance.uncertain)
    return [this if each.dispatch == found else each for each in courses.of(all_of_it)]


def _kept_figures(found: Dispatch) -> Figures:
    key = f"figures:{found.pk}:{found.state}"
    kept: Figures | None = cache.get(key)
    if kept is None:
        kept = _figures(found)
        cache.set(key, kept, KEPT_SECONDS)
    return kept


def _context(request: HttpRequest, found: Dispatch, figures: Figures) -> dict[str, Any]:
    balance = figures.balance
    now = timezone.now()
    undo = _undo_seconds(found, balance, now=now)
    return {
        "dispatch": found,
        "balance": balance,
        "percent": balance.percent,
        "phases": _phases(found, is_held=bool(undo)),
        "look_again": _look_again(found, balance),
        "undo_seconds": undo,
        "undo_total": max(undo, round(settings.SEND_UNDO.total_seconds())),
        "may_send": team.may(request.user, team.Right.SEND, found),
        "may_see_readers": team.may(request.user, "delivery.view_delivery", found),
        "speed": progress.speed(figures.rate),
        "duration": progress.duration(found, now=now),
        "finish_at": figures.finish_at,
        # The bar that counts down says it already.
        "waits": [each for each in figures.waits if not (undo and found.reason and found.reason in each)],
        "reasons": _reasons(balance),
        "why_not_again": control.why_not_again(
            found, is_corrected=figures.has_follower(found, to=Dispatch.Audience.CORRECTION)
        ),
        "carried": figures.carried,
        "settled_later": figures.settled_later,
        "rest_sent": figures.has_follower(found, to=Dispatch.Audience.REST),
        "family": figures.family,
        "answers": figures.answers,
        # MAILER_URL says where the next batch goes. Once all are gone, it may say something else than it did then.
        "mailer_name": figures.mailer,
    }


def _phases(found: Dispatch, *, is_held: bool) -> list[tuple[str, str]]:
    """(words, "done" | "now" | ""): the way from the button to the last reader."""
    now = {Dispatch.State.PREPARING: 0, Dispatch.State.SENDING: 1, Dispatch.State.PAUSED: 1}
    end = Dispatch.State.STOPPED if found.state == Dispatch.State.STOPPED else Dispatch.State.SENT
    middle = Dispatch.State.PAUSED if found.state == Dispatch.State.PAUSED else Dispatch.State.SENDING
    here = now.get(Dispatch.State(found.state), 2)
    steps = [Dispatch.State.PREPARING, middle, end]
    marks = ["done" if place < here else "now" if place == here else "" for place in range(3)]
    labels = [str(step.label) for step in steps]
    if is_held:
        labels[1] = _("waits a minute")
    return list(zip(labels, marks, strict=True))


def _look_again(found: Dispatch, balance: progress.Balance) -> int:
    """Seconds until the page asks anew; 0 when nothing changes by itself any more."""
    if found.is_running:
        return 3
    is_settling = balance.pending or balance.in_flight  # a stop that is not through, or a pause
    return 10 if is_settling else 0


def _undo_seconds(found: Dispatch, balance: progress.Balance, *, now: datetime) -> int:
    """For so long nobody has it yet and its batches still wait, so it can be taken back; 0 where it cannot.

    What the dispatch itself waits for may have been cleared.
    """
    is_new = found.after_id is not None and found.state == Dispatch.State.SENDING
    if not is_new or balance.pending + balance.skipped != balance.audience:
        return 0
    waiting = Batch.objects.held_back().filter(dispatch=found).order_by("not_before")
    begins = waiting.values_list("not_before", flat=True).first()
    return max(1, round((begins - now).total_seconds())) if begins else 0


def _reasons(balance: progress.Balance) -> list[tuple[str, str, int]]:
    """(state, reason in words, readers): everybody who did not surely get it."""
    by_state = {
        "skipped": balance.skipped_by_reason,
        "failed": balance.failed_by_reason,
        "uncertain": balance.uncertain_by_reason,
    }
    return [
        (state, words, count)
        for state, counts in by_state.items()
        for words, count in progress.reasons(counts)
    ]
