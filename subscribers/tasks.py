from __future__ import annotations

import logging
from functools import partial

from celery import shared_task
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from subscribers import counting, emails
from subscribers.models import Subscription

logger = logging.getLogger(__name__)

MAILS_A_SWEEP = 200


@shared_task
def send_lifecycle_mail(subscription_id: int) -> None:
    """Safe to run twice, and safe to lose: `send_due_mails` finds in the database what it would have done."""
    emails.send_due(subscription_id, now=timezone.now())


@shared_task
def send_due_mails() -> None:
    now = timezone.now()
    for subscription_id in Subscription.objects.mail_due(now).values_list("pk", flat=True)[:MAILS_A_SWEEP]:
        send_lifecycle_mail.delay(subscription_id)


@shared_task
def count_readers() -> None:
    counting.refresh()
    counting.note_days(now=timezone.now())


def wake(subscription_id: int) -> None:
    """Ask a worker to send the due mail soon. A broker out of reach costs the reader a sweep, not the page."""
    transaction.on_commit(partial(_send_soon, subscription_id))


def _send_soon(subscription_id: int) -> None:
    try:
        send_lifecycle_mail.delay(subscription_id)
    except OperationalError:
        logger.warning(
            "The broker cannot be reached; the sweep will send the mail of subscription %s.", subscription_id
        )
