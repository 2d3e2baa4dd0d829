"""What a person does to a dispatch. Each is safe to press twice and true at once in the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery import again, circuit, evidence, recording
from delivery.models import Batch, Delivery, Dispatch

if TYPE_CHECKING:
    from django.db.models import QuerySet

State = Dispatch.State
# Stopped for good is a promise: no mail of it leaves any more, not even to those who failed before.
MAY_REPEAT = (State.SENDING, State.PAUSED, State.SENT)


class Refused(Exception):
    """Nothing was changed. The message says why, in words for whoever pressed the button."""


def pause(dispatch_id: int) -> bool:
    """No batch begins after this; those in a worker's hands finish. False when it was not going out."""
    return Dispatch.objects.move(dispatch_id, to=State.PAUSED, allowed=[State.SENDING], reason="")


def resume(dispatch_id: int) -> bool:
    """Go on from where it stood, though not before the time in which it can be taken back. False: it was not paused."""
    with transaction.atomic():
        resumed = Dispatch.objects.move(
            dispatch_id, to=State.SENDING, allowed=[State.PAUSED], reason="", not_before=None
        )
        if resumed:
            waiting = Batch.objects.filter(dispatch_id=dispatch_id, state=Batch.State.READY)
            waiting.exclude(pk__in=waiting.held_back().values("pk")).update(tries=0, not_before=None)
            circuit.close(*circuit.mailers(Dispatch.objects.get(pk=dispatch_id).mailer))
    return resumed


# Batches that a click settles itself; the sweep settles the others. Nobody waits for a million readers.
SETTLED_AT_ONCE = 200


def stop(dispatch_id: int) -> bool:
    """Never send it to those who still wait. False when it had ended before, or is being prepared."""
    stopped = Dispatch.objects.move(
        dispatch_id, to=State.STOPPED, allowed=[State.SENDING, State.PAUSED], reason="", finished_at=Now()
    )
    if stopped:
        recording.settle_stopped(dispatch_id, most=SETTLED_AT_ONCE)
    return stopped


def retry_failed(dispatch_id: int) -> int:
    """Exactly the failed wait again, in new batches. Returns how many; 0 when nobody is failed any more.

    Whoever has left or is suppressed since is skipped at the hand-over, like everybody. A paused dispatch stays
    paused. Raises Refused when it was stopped.
    """
    with transaction.atomic():
        dispatch = _held(dispatch_id)
        those = evidence.failed(dispatch_id)
        _refuse_if_over(dispatch, readers=those)
        readers = again.put_into_batches(those, dispatch, cause=Batch.Cause.RETRY)
        if readers:
            _reopen(dispatch)
    return readers


def settle_as_accepted(dispatch_id: int, *, expected: int, by: str) -> int:
    """The uncertain have it: somebody looked. Sends nothing. Returns how many; 0 when nobody is uncertain any more.

    Raises Refused when it is not as many as whoever pressed the button had seen.
    """
    words = _("settled as accepted by %(name)s, %(date)s") % {
        "name": by,
        "date": date_format(timezone.now(), "Y-m-d"),
    }
    with transaction.atomic():
        _held(dispatch_id)
        readers = evidence.settleable(dispatch_id).update(
            state=Delivery.State.ACCEPTED, reason="", detail=words, settled_at=Now()
        )
        _refuse_unless_seen(dispatch_id, changed=readers, expected=expected)
    return readers


def send_again(dispatch_id: int, *, expected: int) -> int:
    """Hand the uncertain over once more; some may get it twice, and whoever pressed the button knows that.

    Returns how many; 0 when nobody is uncertain any more. Raises Refused when it is not as many as they had seen, or
    when the dispatch was stopped.
    """
    with transaction.atomic():
        dispatch = _held(dispatch_id)
        those = evidence.settleable(dispatch_id)
        _refuse_if_over(dispatch, readers=those)
        readers = again.put_into_batches(those, dispatch, cause=Batch.Cause.AGAIN)
        _refuse_unless_seen(dispatch_id, changed=readers, expected=expected)
        if readers:
            _reopen(dispatch)
    return readers


def _held(dispatch_id: int) -> Dispatch:
    """The dispatch, locked: of two who press at once, the second finds what the first has left."""
    rows = Dispatch.objects.select_for_update(of=["self"], no_key=True).only("state", "batch_size")
    return rows.get(pk=dispatch_id)


def _reopen(dispatch: Dispatch) -> None:
    Dispatch.objects.move(dispatch.pk, to=State.SENDING, allowed=[State.SENT], finished_at=None)


def why_not_again(dispatch: Dispatch, *, is_corrected: bool) -> str:
    """Why nobody gets it once more, in words; "" where the failed and the uncertain may be tried again."""
    if dispatch.state not in MAY_REPEAT:
        return _("It was stopped for good, so nobody gets it any more.")
    return _("It has been corrected since, so nobody gets it as it was.") if is_corrected else ""


def is_corrected(dispatch: Dispatch) -> bool:
    return dispatch.followers.filter(audience=Dispatch.Audience.CORRECTION).exists()


def _refuse_if_over(dispatch: Dispatch, *, readers: QuerySet[Delivery]) -> None:
    """Again means as it was: nobody gets words that were corrected since, let alone after the correction."""
    if not readers.exists():
        return
    if words := why_not_again(dispatch, is_corrected=is_corrected(dispatch)):
        raise Refused(f"{words} {_('Nothing was changed.')}")


def _refuse_unless_seen(dispatch_id: int, *, changed: int, expected: int) -> None:
    """Undoes what was changed, when it is something else than what was agreed to."""
    if changed == expected:
        return
    if changed:
        words = ngettext(
            "It is now %(now)s reader, not %(expected)s. Look again; nothing was changed.",
            "It is now %(now)s readers, not %(expected)s. Look again; nothing was changed.",
            changed,
        )
        raise Refused(words % {"now": f"{changed:,}", "expected": f"{expected:,}"})
    if evidence.uncertain(dispatch_id).exists():
        raise Refused(
            _("They are being handed over at this moment. Look again in a minute; nothing was changed.")
        )
