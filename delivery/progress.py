"""Where a dispatch stands: the balance line, how fast it goes, when it will be done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import ngettext

from delivery.models import Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from delivery.models import Dispatch

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Balance:
    """`audience == pending + in_flight + accepted + failed + skipped + uncertain`, by count of the ledger's rows."""

    audience: int
    pending: int
    in_flight: int
    accepted: int
    failed: int
    skipped: int
    uncertain: int
    skipped_by_reason: dict[str, int]
    failed_by_reason: dict[str, int]

    @property
    def settled(self) -> int:
        return self.accepted + self.failed + self.skipped + self.uncertain

    @property
    def percent(self) -> int:
        return 100 * self.settled // self.audience if self.audience else 0

    @property
    def adds_up(self) -> bool:
        return self.audience == self.settled + self.pending + self.in_flight

    def line(self) -> str:
        """The balance as one line of text; what is zero and need not be said is left out."""
        parts = [f"{self.accepted:,} accepted", f"{self.failed:,} failed", f"{self.skipped:,} skipped"]
        parts += [f"{self.uncertain:,} uncertain"]
        parts += [f"{self.in_flight:,} in flight"] if self.in_flight else []
        parts += [f"{self.pending:,} pending"] if self.pending else []
        reasons = ", ".join(f"{name} {count:,}" for name, count in sorted(self.skipped_by_reason.items()))
        return (
            f"audience {self.audience:,} = "
            + " + ".join(parts)
            + (f"  (skipped: {reasons})" if reasons else "")
        )


def balance(dispatch: Dispatch) -> Balance:
    """One query over the dispatch's rows (about 0.1 s for 114,000)."""
    audience = dispatch.audience_size or 0
    return weigh(audience, Delivery.objects.filter(dispatch=dispatch).tally())


def weigh(audience: int, tally: Mapping[tuple[str, str], int]) -> Balance:
    """Pure: (state, reason) counts to a Balance. `audience` is the number frozen at the start, not a sum of these."""
    by_state: Counter[str] = Counter()
    for (state, _), count in tally.items():
        by_state[state] += count
    return Balance(
        audience=audience,
        **{state.value: by_state[state] for state in State},
        skipped_by_reason=_by_reason(tally, State.SKIPPED),
        failed_by_reason=_by_reason(tally, State.FAILED),
    )


def _by_reason(tally: Mapping[tuple[str, str], int], wanted: Delivery.State) -> dict[str, int]:
    return {reason: count for (state, reason), count in tally.items() if state == wanted}


def rate(dispatch: Dispatch, balance: Balance, *, now: datetime) -> float:
    """Readers settled per second since the start."""
    seconds = ((dispatch.finished_at or now) - dispatch.started_at).total_seconds()
    return balance.settled / seconds if seconds > 0 else 0.0


def duration(dispatch: Dispatch, *, now: datetime) -> str:
    """From the start to the end (or now), as people say it: "8 seconds", "3 minutes, 20 seconds"."""
    minutes, seconds = divmod(int(((dispatch.finished_at or now) - dispatch.started_at).total_seconds()), 60)
    words = [ngettext("%d second", "%d seconds", seconds) % seconds] if seconds or not minutes else []
    if minutes:
        words.insert(0, ngettext("%d minute", "%d minutes", minutes) % minutes)
    return ", ".join(words)


def reasons(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """(reason in words, readers), for people."""
    return [(str(Delivery.Reason(reason).label), count) for reason, count in counts.items()]


def as_json(dispatch: Dispatch) -> dict[str, Any]:
    """The documented form of `dispatch_status --json` (README)."""
    found = balance(dispatch)
    counts = {name: getattr(found, name) for name in ("audience", *(state.value for state in State))}
    return {
        "dispatch": dispatch.pk,
        "newsletter": dispatch.issue.newsletter.slug,
        "issue": dispatch.issue.slug,
        "state": dispatch.state,
        **counts,
        "skipped_by_reason": found.skipped_by_reason,
        "failed_by_reason": found.failed_by_reason,
        "started_at": dispatch.started_at.isoformat(),
        "finished_at": dispatch.finished_at.isoformat() if dispatch.finished_at else None,
    }
