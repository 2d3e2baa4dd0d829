"""Why a hand-over stopped. The class says what to do next, not what broke.

SendError
├── Transient      nothing left the house: try again, not before `retry_after`
├── CallRefused    the provider took none of this call because of something in it: halve it until the culprit is alone
├── AccountRefused key, sender or quota: nothing will go out until a person mends it, so the dispatch pauses
└── Uncertain      it may have gone out: never repeat it, look for evidence
"""

from __future__ import annotations


class SendError(Exception):
    """The message is the provider's own words, or ours; it is shown to the editor."""


class Transient(SendError):
    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds, when the provider named a time; then all workers wait


class CallRefused(SendError):
    pass


class AccountRefused(SendError):
    pass


class Uncertain(SendError):
    pass


class CannotStart(Exception):
    """The issue may not be sent as it is; nothing was. The message says what to mend."""


class AlreadyDispatched(CannotStart):
    def __init__(self, dispatch_id: int) -> None:
        super().__init__("This issue has already been sent.")
        self.dispatch_id = dispatch_id
