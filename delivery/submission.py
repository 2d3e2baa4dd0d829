"""Handing over: claim a batch, ask each reader's consent once more, write the attempt down, speak once, record.

Every step can die and be followed by another worker; reliability rests on the order of the steps, not on the queue:
the attempt is committed before the first byte leaves, so a batch found in `submitting` may have gone out, and one
found in `claimed` has not.
"""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.db import close_old_connections, transaction
from django.db.models import F
from django.db.models.functions import Now

from delivery import circuit, doubts, epoch, gateway, loading, notebook, recording, spool, throttle
from delivery.exceptions import SendError
from delivery.models import Attempt, Batch, Delivery, Dispatch
from delivery.speaking import Speakers

if TYPE_CHECKING:
    from delivery.loading import Work
    from delivery.messages import Receipt, Recipient

logger = logging.getLogger(__name__)

# Longer than any build, and than any hand-over: every provider call has a shorter deadline of its own.
CLAIM_LEASE = timedelta(seconds=90)
SUBMIT_LEASE = timedelta(minutes=3)
# Seconds between attempts to record an answer while the database is away; 25 in all.
RECORD_AGAIN_AFTER = (0.1, 0.4, 1.5, 3.0, 5.0, 7.0, 8.0)
# A wake-up stays for work that is due within so many seconds; for later work the sweep wakes another.
PATIENCE = 5.0
SHORTEST_WAIT = 0.05  # seconds; whoever cannot have what is ready does not ask for it without a pause
LONGEST_ANSWER = 0.5  # seconds to wait for an answer before looking around again


class DatabaseAway(Exception):
    """It did not come back in time. The answer is kept; nothing more is begun in this wake-up."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Which hand-over an answer belongs to."""

    batch: Batch
    attempt: Attempt
    leaves_some: bool = False  # an allowance let only a part of the batch go
    page: notebook.Page | None = None


def send_for(dispatch_id: int, *, seconds: float) -> bool:
    """Hand over batch after batch for about `seconds`. True when work for this dispatch is left that may go now."""
    spool.bring_in()
    notebook.bring_in()
    if not epoch.may_send():
        return False
    deadline = time.monotonic() + seconds
    work = loading.load(dispatch_id)
    speakers: Speakers[Spoken] = Speakers(gateway.in_flight(work.mailer))
    try:
        while time.monotonic() < deadline:
            if not _one_step(work, speakers):
                return False
    except DatabaseAway:
        return False
    finally:
        _hear_out(speakers)
    return Batch.objects.ready(dispatch_id).exists()


def _one_step(work: Work, speakers: Speakers[Spoken]) -> bool:
    """Begin one hand-over, or record what was answered, or wait a little. False when there is nothing left to do."""
    if speakers.has_room and (batch := _claim(work)):
        _submit(work, batch, speakers)
        _record_answers(work, speakers, seconds=0.0)
    elif not speakers.is_silent:
        _record_answers(work, speakers, seconds=LONGEST_ANSWER)
    elif (pause := _pause(work)) is not None:
        time.sleep(pause)
    else:
        recording.finish(work.dispatch_id)
        return False
    return True


def _record_answers(work: Work, speakers: Speakers[Spoken], *, seconds: float) -> None:
    for spoken, receipt in speakers.answers(seconds=seconds):
        if _record(spoken, receipt, pauses=RECORD_AGAIN_AFTER):
            epoch.may_send()  # if what came back lacks the last hand-overs, this pauses every dispatch
        if receipt.stopped_by:
            work.way.look_again()


def _hear_out(speakers: Speakers[Spoken]) -> None:
    """Whatever stopped us, an answer that is on its way is worth waiting for."""
    pauses: tuple[float, ...] = RECORD_AGAIN_AFTER
    while not speakers.is_silent:
        for spoken, receipt in speakers.answers(seconds=LONGEST_ANSWER):
            try:
                _record(spoken, receipt, pauses=pauses)
            except DatabaseAway:
                pauses = ()  # waited for once


def _pause(work: Work) -> float | None:
    """Seconds until a batch may go that only waits for its time, when that is soon enough to stay for it."""
    waiting = Batch.objects.filter(
        dispatch_id=work.dispatch_id,
        state=Batch.State.READY,
        dispatch__state=Dispatch.State.SENDING,
        pinned_to__in=["", *circuit.mailers(work.mailer)],
    )
    next_first = waiting.order_by(F("not_before").asc(nulls_first=True)).annotate(now=Now())
    found = next_first.values_list("now", "not_before", "dispatch__not_before").first()
    if found is None:
        return None
    now, *times = found
    # One of them may have come since we looked for work; then it is looked for again at once.
    waits = [max(0.0, (moment - now).total_seconds()) for moment in times if moment and now]
    route = work.way.last
    if not route.alias:
        waits.append(PATIENCE + 1 if route.wait is None else route.wait)
    elif _is_full(route.alias):
        return None
    return max(SHORTEST_WAIT, *waits) if waits and max(waits) <= PATIENCE else None


def _claim(work: Work) -> Batch | None:
    """Step 1: take one ready batch for a mailer that works, unless it has enough in hand already."""
    usual = work.way.now().alias
    for alias in circuit.mailers(work.mailer):
        # A doubt belongs to its own mailer, whichever is in use now; to ask again does no harm where it does not work.
        if alias != usual and gateway.profile(alias).key_life is None:
            continue
        if batch := Batch.objects.claim(
            work.dispatch_id,
            mailer=alias,
            lease=CLAIM_LEASE,
            at_once=gateway.concurrency(alias),
            only_pinned=alias != usual,
        ):
            return batch
    return None


def _is_full(alias: str) -> bool:
    """Whether as many batches are in workers' hands as this mailer takes at once."""
    return Batch.objects.live().filter(mailer=alias).count() >= gateway.concurrency(alias)


def _submit(work: Work, batch: Batch, speakers: Speakers[Spoken]) -> None:
    if batch.pinned_to:
        _ask_again(work, batch, speakers)
        return
    recipients = loading.recipients(work, batch)
    if not recipients:
        Batch.objects.held(batch, state=Batch.State.CLAIMED).update(state=Batch.State.DONE, lease_until=None)
        return
    room = throttle.room(batch.mailer, domain=work.domain)
    if isinstance(room, throttle.Full):
        _wait_for_room(work, batch, room)
        return
    if _is_our_turn(work, batch, speakers, readers=len(recipients[:room])):
        _hand_over(work, batch, recipients[:room], speakers, is_part=len(recipients[:room]) < len(recipients))


def _hand_over(
    work: Work, batch: Batch, recipients: list[Recipient], speakers: Speakers[Spoken], *, is_part: bool
) -> None:
    """Step 3: all that can fail without harm. Then write it down, and speak."""
    key = str(uuid.uuid4()) if gateway.profile(batch.mailer).key_life else ""
    try:
        hand_over = gateway.ready(work.mail, recipients, alias=batch.mailer, key=key)
    except SendError as error:
        recording.hand_back(batch, error)
        return
    attempt = Attempt(
        batch=batch,
        fence=batch.fence,
        mailer=batch.mailer,
        domain=work.domain,
        key=key,
        recipients=doubts.kept(recipients) if key else None,
        fingerprint=hand_over.fingerprint,
        readers=len(recipients),
    )
    if _write_ahead(attempt, recipients, is_part=is_part):
        epoch.note(attempt.pk)
        page = notebook.begin(attempt) if hand_over.is_one_by_one else None
        if page:
            hand_over = replace(hand_over, speak=partial(hand_over.speak, page))
        speakers.say(hand_over, Spoken(batch, attempt, leaves_some=is_part, page=page))


def _wait_for_room(work: Work, batch: Batch, full: throttle.Full) -> None:
    """An allowance is used up: the batch goes back, and everybody knows until when to wait, and why."""
    recording.release(batch)
    Dispatch.objects.filter(pk=work.dispatch_id, state=Dispatch.State.SENDING).update(
        not_before=full.until, reason=full.words
    )


def _is_our_turn(work: Work, batch: Batch, speakers: Speakers[Spoken], *, readers: int) -> bool:
    """Wait for the time booked at so many readers a second, and record meanwhile what is answered."""
    wait = throttle.book(batch.mailer, readers=readers)
    if wait is None:
        recording.release(batch, seconds=throttle.LONGEST_BOOKING / 2)
        return False
    turn = time.monotonic() + wait
    while (left := turn - time.monotonic()) > 0:
        _record_answers(work, speakers, seconds=min(left, LONGEST_ANSWER))
    return True


def _write_ahead(attempt: Attempt, recipients: list[Recipient], *, is_part: bool) -> bool:
    """Step 4: commit what is about to happen, asking the readers once more. False: the batch is not ours any more, the
    dispatch was halted, an allowance is used up, or somebody has just left; then the batch is ready again."""
    batch = attempt.batch
    with transaction.atomic():
        room = throttle.room(attempt.mailer, domain=attempt.domain)
        has_room = room is None or (isinstance(room, int) and room >= len(recipients))
        if has_room and _begin(batch):
            attempt.save(force_insert=True)
            wanted = Delivery.objects.waiting_and_wanted(batch)
            if is_part:
                wanted = wanted.filter(pk__in=[recipient.delivery_id for recipient in recipients])
            if wanted.update(state=Delivery.State.IN_FLIGHT, attempt=attempt) == len(recipients):
                return True
        transaction.set_rollback(True)
    recording.release(batch)
    return False


def _begin(batch: Batch) -> bool:
    """The batch is still ours, and its dispatch still goes out. From here on it may have been handed over."""
    claimed = Batch.objects.held(batch, state=Batch.State.CLAIMED)
    held = claimed.filter(lease_until__gt=Now(), dispatch__state=Dispatch.State.SENDING)
    return held.update(state=Batch.State.SUBMITTING, lease_until=Now() + SUBMIT_LEASE) == 1


def _ask_again(work: Work, batch: Batch, speakers: Speakers[Spoken]) -> None:
    """The provider knows from the key whether it took the first call; then it takes nothing now, and says so."""
    attempt = doubts.attempt_of(batch)
    try:
        hand_over = doubts.same_again(attempt, work.mail) if attempt else None
    except SendError as error:
        recording.hand_back(batch, error)
        return
    if attempt is None or hand_over is None:
        doubts.leave(batch)
        return
    if not _is_our_turn(work, batch, speakers, readers=attempt.readers):
        return
    with transaction.atomic():
        if _begin(batch):
            Attempt.objects.filter(pk=attempt.pk).update(repeats=F("repeats") + 1)
            attempt.repeats += 1
        else:
            recording.release(batch)
            return
    speakers.say(hand_over, Spoken(batch, attempt, leaves_some=True))


def _record(spoken: Spoken, receipt: Receipt, *, pauses: tuple[float, ...]) -> bool:
    """Step 6. The answer is all we have: a database that is away must not make us forget it.

    True when it was away meanwhile. Raises DatabaseAway when it still is; then the answer is kept.
    """
    batch, attempt = spoken.batch, spoken.attempt
    was_away = False
    for pause in (*pauses, None):
        try:
            recording.record(batch, attempt, receipt, leaves_some=spoken.leaves_some)
        except spool.AWAY as error:
            was_away = True
            if pause is None:
                spool.keep(batch, attempt, receipt, leaves_some=spoken.leaves_some)
                if spoken.page:
                    spoken.page.throw_away()
                raise DatabaseAway from error
            logger.warning("Dispatch %s: the answer could not be recorded; trying again.", batch.dispatch_id)
            close_old_connections()
            time.sleep(pause)
        except Exception:  # an answer that cannot be recorded must not take the others with it
            logger.exception("Dispatch %s: an answer could not be recorded.", batch.dispatch_id)
            spool.keep(batch, attempt, receipt, leaves_some=spoken.leaves_some)
            break
        else:
            break
    if spoken.page:
        spoken.page.throw_away()
    return was_away
