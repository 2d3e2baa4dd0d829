from __future__ import annotations

import logging
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import shared_task
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


@shared_task
def take_in_waiting() -> None:
    """Make subscriptions of what was just posted at the forms, and send the mails that this makes due.

    For as long as A_TURN; then those mails, and whoever else waits for a worker, go first. One that cannot be taken in
    holds up nobody: it is left to the sweep, with all that are older than WAITS.
    """
    ends_at = time.monotonic() + A_TURN
    waiting = SignUp.objects.filter(posted_at__gte=timezone.now() - WAITS).order_by("posted_at")
    for sign_up_id in waiting.values_list("pk", flat=True)[:A_SWEEP]:
        if time.monotonic() > ends_at:
            _ring()
            return
        try:
            _take_in(sign_up_id)
        except Exception:
            logger.exception("Sign-up %s could not be taken in; the sweep tries again.", sign_up_id)


@shared_task
def take_in(sign_up_id: int) -> None:
    """The same for one."""
    _take_in(sign_up_id)


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
    _hand_out(Letter.objects.due(now))
    waiting = SignUp.objects.filter(posted_at__lt=now - WAITS).order_by("posted_at")
    for sign_up_id in waiting.values_list("pk", flat=True)[:A_SWEEP]:
        take_in.apply_async((sign_up_id,), expires=AT_EVERY)


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


def _take_in(sign_up_id: int) -> None:
    email = SignUp.objects.filter(pk=sign_up_id).values_list("email", flat=True).first()
    if email and not guard.takes_mail(email.rpartition("@")[2]):
        # No mail can reach it; the next who types it is told so.
        SignUp.objects.filter(pk=sign_up_id).delete()
    elif sign_ups.take_in(sign_up_id):
        _hand_out(Letter.objects.due(timezone.now()).filter(subscriber__email=email))


def _ring(seconds: float = 0.0) -> None:
    _publish(take_in_waiting, countdown=seconds or None, expires=seconds + WAITS.total_seconds())


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
