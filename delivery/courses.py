"""How dispatches went, by what their mailers answered: cheap, however many readers each has.

The ledger knows exactly, and is counted for the one dispatch that a page is about (delivery.progress).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Sum

from delivery.models import Attempt, Delivery, Dispatch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Course:
    dispatch: Dispatch
    accepted: int
    refused: int
    uncertain: int

    @property
    def percent(self) -> int:
        size = self.dispatch.readers
        return min(100, 100 * (self.accepted + self.refused + self.uncertain) // size) if size else 0


def of(dispatches: Iterable[Dispatch]) -> list[Course]:
    """Two queries for all of them, over their hand-overs: there may be a million deliveries in each."""
    those = list(dispatches)
    if not those:
        return []
    taken, doubts = _taken(those), _doubts(those)
    return [_course(each, *taken.get(each.pk, (0, 0)), doubts.get(each.pk, 0)) for each in those]


# What somebody should know first: the state of an issue that goes out several times.
STILL_OUT = (Dispatch.State.PAUSED, Dispatch.State.SENDING, Dispatch.State.PREPARING)


def unfinished(issues: Collection[int]) -> dict[int, Dispatch.State]:
    """By issue, where it is on its way, or was stopped before it had come to everyone. One query."""
    rows = Dispatch.objects.filter(issue__in=issues).order_by("pk")
    states: dict[int, list[str]] = {}  # of the issue's sendings
    last: dict[int, str] = {}  # of those that are no corrections
    corrections: set[int] = set()
    for pk, issue, audience, after, state in rows.values_list("pk", "issue", "audience", "after", "state"):
        states.setdefault(issue, []).append(state)
        if audience == Dispatch.Audience.CORRECTION or after in corrections:
            corrections.add(pk)
        else:
            last[issue] = state
    found = {issue: _first_to_know(those, last[issue]) for issue, those in states.items()}
    return {issue: state for issue, state in found.items() if state != Dispatch.State.SENT}


def _first_to_know(states: Collection[str], last: str) -> Dispatch.State:
    return next((each for each in STILL_OUT if each in states), Dispatch.State(last))


def _course(dispatch: Dispatch, accepted: int, refused: int, uncertain: int) -> Course:
    """Whom another try has reached is refused no more."""
    others = max(0, dispatch.readers - accepted - uncertain)
    return Course(dispatch, accepted, min(refused, others), uncertain)


def _taken(those: Sequence[Dispatch]) -> dict[int, tuple[int, int]]:
    attempts = Attempt.objects.filter(batch__dispatch__in=those).order_by().values_list("batch__dispatch")
    sums = attempts.annotate(taken=Sum("accepted"), not_taken=Sum("refused"))
    return {pk: (taken, not_taken) for pk, taken, not_taken in sums}


def _doubts(those: Sequence[Dispatch]) -> dict[int, int]:
    """Found by their hand-overs, as delivery.troubles does."""
    unclear = Attempt.objects.filter(batch__dispatch__in=those, outcome=Attempt.Outcome.UNCERTAIN)
    rows = Delivery.objects.filter(batch__in=unclear.values("batch"), state=Delivery.State.UNCERTAIN)
    return dict(rows.order_by().values_list("dispatch").annotate(readers=Count("pk")))
