"""Wake-ups. The queue carries ids only, and any of these may be lost or doubled."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from celery import shared_task
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from newsletter import invitations, linkcheck
from newsletter.models import Issue

if TYPE_CHECKING:
    from datetime import datetime

logger = logging.getLogger(__name__)

WAKE_UP_LIFE = 60.0  # seconds
# One wake-up in so many seconds for each issue: an editor's autosaves come every few. Whoever opens the page of checks
# while a link is not followed yet asks anew.
AT_MOST_EVERY = 10
AGAIN_AT_MOST_EVERY = 5  # also for who presses the button again and again


@shared_task
def check_links(issue_id: int, again: bool = False) -> None:
    """Follow the links of which nothing is known; the next wake-up goes on with those that this one had no time for."""
    issue = Issue.objects.filter(pk=issue_id).select_related("newsletter").first()
    if issue is None:
        return
    linkcheck.check_sender(issue, again=again)
    if linkcheck.check(issue, again=again):
        _publish(issue_id, again=False)


def wake(issue_id: int, *, again: bool = False) -> datetime:
    """Have an issue's links followed soon. `again`: also those that were found wanting before.

    Since when that is asked for: a moment ago by somebody else, where that was so.
    """
    now = timezone.now()
    key, pause = (
        (f"links-again:{issue_id}", AGAIN_AT_MOST_EVERY) if again else (f"links:{issue_id}", AT_MOST_EVERY)
    )
    if not settings.LINK_CHECKS:
        return now
    if not cache.add(key, now, pause):
        since: datetime = cache.get(key, now)
        return since
    transaction.on_commit(partial(_publish, issue_id, again=again))
    return now


def _publish(issue_id: int, *, again: bool) -> None:
    try:
        check_links.apply_async((issue_id, again), expires=WAKE_UP_LIFE)
    except OperationalError as error:
        logger.warning("The broker cannot be reached; links of issue %s wait. It said: %s", issue_id, error)


@shared_task
def send_password_links(user_ids: list[int]) -> None:
    """To those who forgot their password: limited to a few an hour, so that running twice is a nuisance at most."""
    for user in get_user_model().objects.filter(pk__in=user_ids):
        invitations.send_password_link(user)


def send_password_links_soon(email: str) -> None:
    """Asked of a worker for everybody, also for nobody: how long the page takes tells nothing either."""
    user_ids = list(invitations.may_choose_password(email).values_list("pk", flat=True))
    try:
        send_password_links.delay(user_ids)
    except OperationalError:
        logger.warning("The broker cannot be reached; the mail with the link goes out from here.")
        send_password_links(user_ids)
