from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.decorators import staff_member_required
from django.core.cache import cache
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from delivery import progress, waiting
from delivery.views import desk

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from delivery.models import Dispatch

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
        context = _context(found, _figures(found)) | {"title": found.subject}
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
        return render(request, "delivery/_dispatch_progress.html", _context(found, figures))


@dataclass(frozen=True, slots=True)
class Figures:
    """What is looked up in the ledger."""

    balance: progress.Balance
    carried: list[progress.Carried]
    rate: float
    waits: list[str]
    mailer: str  # by which the next batch goes
    counted_at: datetime

    @property
    def finish_at(self) -> datetime | None:
        """When it is done at this speed; nobody can say while it waits for something."""
        left = self.balance.pending + self.balance.in_flight
        if not (self.rate and left) or self.waits:
            return None
        return self.counted_at + timedelta(seconds=left / self.rate)


def _figures(found: Dispatch) -> Figures:
    now = timezone.now()
    rate = progress.rate(found) if found.is_running else 0.0
    waits = waiting.waits(found, now=now)
    mailer = "" if found.finished_at else waiting.mailer_name(waiting.in_use(found))
    return Figures(progress.balance(found), progress.carried(found), rate, waits, mailer, counted_at=now)


def _kept_figures(found: Dispatch) -> Figures:
    key = f"figures:{found.pk}:{found.state}"
    kept: Figures | None = cache.get(key)
    if kept is None:
        kept = _figures(found)
        cache.set(key, kept, KEPT_SECONDS)
    return kept


def _context(found: Dispatch, figures: Figures) -> dict[str, Any]:
    balance = figures.balance
    return {
        "dispatch": found,
        "balance": balance,
        "percent": balance.percent,
        "rate": figures.rate,
        "duration": progress.duration(found, now=timezone.now()),
        "finish_at": figures.finish_at,
        "waits": figures.waits,
        "reasons": _reasons(balance),
        "carried": figures.carried,
        # MAILER_URL says where the next batch goes. Once all are gone, it may say something else than it did then.
        "mailer_name": figures.mailer,
    }


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
