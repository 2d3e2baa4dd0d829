from __future__ import annotations

import logging
import random
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django import db
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from newsletter.models import Newsletter
from subscribers import bell, bursts, counting, forgetting, guard, letters, resting, sign_ups, wordings
from subscribers.models import Letter, SignUp

if TYPE_CHECKING:
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

A_SWEEP = 500
AT_EVERY = 15  # seconds; what was not begun by then, the next sweep hands out anew
A_RUNS_SHARE = timedelta(seconds=120)  # within the time that a task may take
WAITS = timedelta(seconds=10)  # so long a sign-up is left to the messages that its form sends
A_TURN = 1.0  # second of taking in, while others wait
LANES = 2  # messages of each sweep to take in what has waited long; each goes on for as long as there is some
# Seconds that such a message may wait behind the mails that are due; then it runs out, or there would be ever more.
LATE_WAITS = 30.0


@shared_task
def take_in(is_late: bool = False) -> None:
    """Make subscriptions of what was just posted at the forms, and send the mails that this makes due.

    For as long as A_TURN; then those mails, and whoever else waits for a worker, go first. `is_late`: of what has
    waited for longer than WAITS, for which the sweep rings. In no order: several who do this at once do not stand
    behind the same name server. One that cannot be taken in holds up nobody, and is tried again by the next sweep.
    """
    ends_at = time.monotonic() + A_TURN
    since = timezone.now() - WAITS
    waiting = (
        SignUp.objects.filter(posted_at__lt=since) if is_late else SignUp.objects.filter(posted_at__gte=since)
    )
    ids = list(waiting.order_by("posted_at").values_list("pk", flat=True)[:A_SWEEP])
    random.shuffle(ids)
    taken = 0
    for sign_up_id in ids:
        if time.monotonic() > ends_at:
            break
        try:
            taken += _take_in(sign_up_id)
        except (db.InterfaceError, db.OperationalError, SoftTimeLimitExceeded):
            raise  # nothing that is wrong with this one
        except Exception:
            logger.exception("Sign-up %s could not be taken in; the sweep tries again.", sign_up_id)
    if taken and waiting.exists():
        _ring(is_late=is_late)


@shared_task
def send_letter(letter_id: int) -> None:
    """Safe to run twice, and safe to lose: `send_due_letters` finds in the database what it would have done."""
    letters.send_due(letter_id, now=timezone.now())


@shared_task
def send_letters_of(subscriber_id: int) -> None:
    _hand_out(Letter.objects.due(timezone.now()).filter(subscriber=subscriber_id))


@shared_task
def send_due_letters() -> None:
    """Hand each letter whose time has come to a worker, and take in the sign-ups that a lost message left behind."""
    now = timezone.now()
    due = Letter.objects.due(now)
    _hand_out(due.exclude(kind=Letter.Kind.REMINDER))
    # Thousands of these may be due at once, and nobody waits for them.
    _hand_out(due.filter(kind=Letter.Kind.REMINDER))
    if SignUp.objects.filter(posted_at__lt=now - WAITS).exists():
        for _ in range(LANES):
            _ring(is_late=True)


@shared_task
def remind() -> None:
    """Ask for the reminders of whoever did not confirm; `send_due_letters` sends them."""
    now = timezone.now()
    letters.remind_due(now=now, until=now + A_RUNS_SHARE)


@shared_task
def forget_sent_letters() -> None:
    now = timezone.now()
    letters.forget_sent(now=now, until=now + A_RUNS_SHARE)


@shared_task
def forget() -> None:
    """As much as there is time for; the next run goes on where this one stopped."""
    now = timezone.now()
    forgetting.forget(now=now, until=now + A_RUNS_SHARE)


@shared_task
def keep_wordings() -> None:
    """A release may have mended our own words, or how a language says them."""
    for newsletter in Newsletter.objects.order_by("pk"):
        wordings.keep(newsletter)


@shared_task
def look_for_bursts() -> None:
    bursts.look(now=timezone.now())


@shared_task
def resume_pauses() -> None:
    resting.resume_due(now=timezone.now())


@shared_task
def count_readers() -> None:
    counting.refresh()
    counting.note_days(now=timezone.now())


@shared_task
def recount(newsletter_id: int) -> None:
    """The readers of one newsletter, after many of them came or went together."""
    if newsletter := Newsletter.objects.filter(pk=newsletter_id).first():
        counting.recount(newsletter, now=timezone.now())


@shared_task
def end_sieges() -> None:
    guard.sieges.end_quiet(now=timezone.now())


@shared_task
def learn_what_is_usual() -> None:
    guard.sieges.learn(now=timezone.now())


def wake(subscriber_id: int) -> None:
    """Ask a worker to send what is due to them now: nobody's press hands out what others wait for. A broker out of
    reach costs the reader a sweep, not the page."""
    transaction.on_commit(partial(_publish, send_letters_of, subscriber_id))


def wake_to_take_in() -> None:
    """Ask a worker to take in what was just written down."""
    transaction.on_commit(_bell.pull)


def _take_in(sign_up_id: int) -> bool:
    """False when another worker has it."""
    email = SignUp.objects.filter(pk=sign_up_id).values_list("email", flat=True).first()
    if email is None:
        return False
    if not guard.takes_mail(email.rpartition("@")[2]):
        # No mail can reach it; the next who types it is told so.
        return SignUp.objects.filter(pk=sign_up_id).delete()[0] > 0
    if not sign_ups.take_in(sign_up_id):
        return False
    _hand_out(Letter.objects.due(timezone.now()).filter(subscriber__email=email))
    return True


def _ring(seconds: float = 0.0, *, is_late: bool = False) -> None:
    lives = LATE_WAITS if is_late else seconds + WAITS.total_seconds()
    _publish(take_in, is_late, countdown=seconds or None, expires=lives)


_bell = bell.Bell(_ring)


def wake_to_count(newsletter_id: int) -> None:
    transaction.on_commit(partial(_publish, recount, newsletter_id))


def _hand_out(due: QuerySet[Letter]) -> None:
    if letters.is_frozen():
        return
    for letter_id in due.values_list("pk", flat=True)[:A_SWEEP]:
        send_letter.apply_async((letter_id,), expires=AT_EVERY)


def _publish(task: Any, *ids: int, **when: float | None) -> None:
    try:
        task.apply_async(ids, **when)
    except OperationalError:
        logger.warning("The broker cannot be reached; the sweep will see to it: %s %s", task.name, ids)
