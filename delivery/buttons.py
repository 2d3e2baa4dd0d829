"""A control as it is pressed, on the desk or by manage.py: what it did, in words; and the log has who did it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery import control
from delivery.models import Attempt, Dispatch

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

WAKES = frozenset({"resume", "retry", "again"})  # after these there is something to do for a worker


@dataclass(frozen=True, slots=True)
class Pressed:
    """What came of it. `changed` is False when it had been pressed before, or does not fit the dispatch's state."""

    changed: bool
    words: str


def press(verb: str, dispatch_id: int, *, by: str, expected: int = 0) -> Pressed:
    """`verb` is one of VERBS; `expected` is how many uncertain readers whoever presses has seen.

    Raises control.Refused when it must not be done; then nothing was changed.
    """
    pressed = VERBS[verb](dispatch_id, by, expected)
    if pressed.changed:
        logger.info("Dispatch %s: %s by %s. %s", dispatch_id, verb, by, pressed.words)
    return pressed


def _pause(dispatch_id: int, by: str, expected: int) -> Pressed:
    if control.pause(dispatch_id):
        return Pressed(
            True, _("Paused. What is being handed over at this moment is finished; nothing else begins.")
        )
    return _nothing(dispatch_id, _("It is not going out (%(state)s). There is nothing to pause."))


def _resume(dispatch_id: int, by: str, expected: int) -> Pressed:
    if control.resume(dispatch_id):
        return Pressed(True, _("It goes on from where it stood."))
    return _nothing(dispatch_id, _("It is not paused (%(state)s). There is nothing to do."))


def _stop(dispatch_id: int, by: str, expected: int) -> Pressed:
    if control.stop(dispatch_id):
        if not Attempt.objects.filter(batch__dispatch=dispatch_id).exists():
            return Pressed(
                True, _("Taken back: nobody got it. Whoever waited is skipped, and is counted as such.")
            )
        return Pressed(True, _("Stopped for good. Whoever still waited is skipped, and is counted as such."))
    return _nothing(dispatch_id, _("It is not going out (%(state)s). There is nothing to stop."))


def _retry(dispatch_id: int, by: str, expected: int) -> Pressed:
    readers = control.retry_failed(dispatch_id)
    if not readers:
        return Pressed(False, _("Nobody is failed. There is nothing to do."))
    words = ngettext("%(n)s failed reader is tried again.", "%(n)s failed readers are tried again.", readers)
    return Pressed(True, _and_when(dispatch_id, words % {"n": f"{readers:,}"}))


def _accept(dispatch_id: int, by: str, expected: int) -> Pressed:
    readers = control.settle_as_accepted(dispatch_id, expected=expected, by=by)
    if not readers:
        return _nobody_uncertain()
    words = ngettext(
        "%(n)s uncertain reader counts as accepted now. Nothing was sent.",
        "%(n)s uncertain readers count as accepted now. Nothing was sent.",
        readers,
    )
    return Pressed(True, words % {"n": f"{readers:,}"})


def _again(dispatch_id: int, by: str, expected: int) -> Pressed:
    readers = control.send_again(dispatch_id, expected=expected)
    if not readers:
        return _nobody_uncertain()
    words = ngettext(
        "It is sent again to %(n)s uncertain reader.", "It is sent again to %(n)s uncertain readers.", readers
    )
    return Pressed(True, _and_when(dispatch_id, words % {"n": f"{readers:,}"}))


VERBS: dict[str, Callable[[int, str, int], Pressed]] = {
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "retry": _retry,
    "accept": _accept,
    "again": _again,
}


def _nothing(dispatch_id: int, words: str) -> Pressed:
    state = Dispatch.State(Dispatch.objects.values_list("state", flat=True).get(pk=dispatch_id))
    return Pressed(False, words % {"state": state.label})


def _nobody_uncertain() -> Pressed:
    return Pressed(False, _("Nobody is uncertain any more. There is nothing to do."))


def _and_when(dispatch_id: int, words: str) -> str:
    """Readers who were put back into a paused dispatch wait with all the others."""
    is_paused = Dispatch.objects.filter(pk=dispatch_id, state=Dispatch.State.PAUSED).exists()
    return f"{words} {_('It is paused, so they wait until it goes on.')}" if is_paused else words
