from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import shared_task
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from newsletter.models import Newsletter
from subscribers import bursts, counting, forgetting, guard, letters, resting, sign_ups, wordings
from subscribers.models import Letter, SignUp

if TYPE_CHECKING:
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

A_SWEEP = 500
AT_EVERY = 15  # seconds; what was not begun by then, the next sweep hands out anew
A_NIGHTS_SHARE = timedelta(seconds=120)  # within the time that a task may take
WAITS = timedelta(seconds=10)  # so long a sign-up is left to the message that was sent for it


@shared_task
def take_in(sign_up_id: int) -> None:
    """Make subscriptions of what was posted at a form, and send the mail that this makes due."""
    email = SignUp.objects.filter(pk=sign_up_id).values_list("email", flat=True).first()
    if email and not guard.takes_mail(email.rpartition("@")[2]):
        SignUp.objects.filter(
            pk=sign_up_id
        ).delete()  # no mail can reach it; the next who types it is told so
        return
    if sign_ups.take_in(sign_up_id):
        _hand_out(Letter.objects.due(timezone.now()).filter(subscriber__email=email))


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
    letters.remind_due(now=timezone.now())


@shared_task
def forget_sent_letters() -> None:
    letters.forget_sent(now=timezone.now())


@shared_task
def forget() -> None:
    """A night's share; the next run goes on where this one stopped."""
    now = timezone.now()
    forgetting.forget(now=now, until=now + A_NIGHTS_SHARE)


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
def end_sieges() -> None:
    guard.sieges.end_quiet(now=timezone.now())


@shared_task
def learn_what_is_usual() -> None:
    guard.sieges.learn(now=timezone.now())


def wake(subscriber_id: int) -> None:
    """Ask a worker to send what is due to them now: nobody's press hands out what others wait for. A broker out of
    reach costs the reader a sweep, not the page."""
    transaction.on_commit(partial(_publish, send_letters_of, subscriber_id))


def wake_for(sign_up_id: int) -> None:
    transaction.on_commit(partial(_publish, take_in, sign_up_id))


def _hand_out(due: QuerySet[Letter]) -> None:
    if letters.is_frozen():
        return
    for letter_id in due.values_list("pk", flat=True)[:A_SWEEP]:
        send_letter.apply_async((letter_id,), expires=AT_EVERY)


def _publish(task: Any, *ids: int) -> None:
    try:
        task.delay(*ids)
    except OperationalError:
        logger.warning("The broker cannot be reached; the sweep will see to it: %s %s", task.name, ids)
