"""What a reader's consent events say of their subscription, without a look at it."""

from __future__ import annotations

from collections.abc import Iterable

from subscribers.consent import Kind, Method
from subscribers.models import ConsentEvent, Subscription

Status = Subscription.Status
READING = Subscription.READING


def told_by(events: Iterable[ConsentEvent]) -> tuple[str, str]:
    """The status and the frequency. Each change has one event, so none may tell what was so before it."""
    replayed = _Replay()
    for event in events:
        replayed.next(event)
    return replayed.status, replayed.frequency


# By what happened: from which status to which.
STEPS: dict[str, tuple[Iterable[str], str]] = {
    Kind.CONFIRMED: ([Status.PENDING], Status.ACTIVE),
    Kind.SINGLE: ([Status.PENDING], Status.ACTIVE),
    Kind.IMPORTED: ([""], Status.ACTIVE),
    Kind.PAUSED: (READING, Status.PAUSED),
    Kind.RESUMED: ([Status.PAUSED], Status.ACTIVE),
    Kind.FREQUENCY: (READING, Status.ACTIVE),
    Kind.LAPSED: ([Status.PENDING], Status.UNSUBSCRIBED),
}


class _Replay:
    def __init__(self) -> None:
        self.status, self.before, self.can_go_back = "", "", False
        self.frequency = str(Subscription.Frequency.EVERY)

    def next(self, event: ConsentEvent) -> None:
        match event.kind:
            case Kind.ASKED:
                if self.status in {"", Status.UNSUBSCRIBED} or event.details.get("confirms_anew"):
                    self.status = Status.PENDING
            case Kind.LEFT:
                self._leaves(event)
            case Kind.CAME_BACK | Kind.BROUGHT_BACK:
                assert self.can_go_back
                self.status, self.can_go_back = self.before, False
            case kind if kind in STEPS:
                self._steps(event)

    def _steps(self, event: ConsentEvent) -> None:
        those, to = STEPS[event.kind]
        assert self.status in those, f"{event.kind} does not happen to {self.status or 'nobody'}"
        if event.kind == Kind.FREQUENCY:
            assert (self.status, self.frequency) != (Status.ACTIVE, event.details["frequency"])
            self.frequency = event.details["frequency"]
        self.status = to
        self.can_go_back &= to != Status.ACTIVE  # only what waits or lapsed can still be undone

    def _leaves(self, event: ConsentEvent) -> None:
        """A second time only to leave for good."""
        has_left = self.status == Status.UNSUBSCRIBED
        assert self.can_go_back or not has_left
        self.can_go_back = not has_left and event.method == Method.LINK
        if not has_left:
            self.before, self.status = self.status, Status.UNSUBSCRIBED
