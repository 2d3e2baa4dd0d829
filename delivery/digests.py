"""The weekly digest: one mail a week, for readers who asked for that instead of every issue.

Each newsletter that has one has one next digest, planned for its time by the newsletter's own clock (Digest). When it
has come, an issue is written out of what came out since the last digest that went out, and scheduled for that very
moment. From there on it is an issue like any other: what begins it, keeps a late one back, sounds the alarm, freezes
its readers and hands it over once is what does so for all of them. Nobody approves it: each word of it was approved in
its own issue. Every step is one transaction, so a worker that is killed leaves it undone, for the next look to do.

A digest tells of everything that came out within (since, at], for `at` is what its time was, whenever it is written,
and `since` is the `at` of the last one that was sent. So no issue is told of twice, and one that missed its time, was
refused or was left out costs its readers a wait, not its week: the next one tells of both, up to four weeks.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from delivery import audience, epoch
from delivery.models import Digest, Dispatch, Plan
from newsletter import digest, faces, publishing
from newsletter.models import Issue, Newsletter
from newsletter.rendering.mail import day

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

logger = logging.getLogger(__name__)

WEEK = timedelta(days=7)
FURTHEST_BACK = timedelta(days=28)  # after a longer silence, what is older is for the archive
# What came out at the last moment may not be committed when that moment comes, and its time is another machine's.
SETTLES = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)


def look(*, now: datetime) -> int:
    """Plan the next one of each newsletter, and write those whose time has come. Returns how many were written."""
    _plan_all(now=now)
    due = Digest.objects.open().filter(at__lte=Now() - SETTLES).select_related("newsletter")
    if not due.exists() or not epoch.may_send():  # a backup or a copy does not know which went out already
        return 0
    written = 0
    for each in due.order_by("at", "pk"):
        with _alone(each.newsletter):
            written += _settle(each)
    return written


@contextmanager
def _alone(newsletter: Newsletter) -> Iterator[None]:
    """Whatever is wrong with this one, the next one has readers who wait, too. It is tried again at the next look."""
    try:
        yield
    except Exception:
        logger.exception("Newsletter %s: its weekly digest could not be seen to.", newsletter.pk)


def _plan_all(*, now: datetime) -> None:
    Digest.objects.open().filter(newsletter__digest_day=None).delete()
    planned = {each.newsletter_id: each for each in Digest.objects.open()}
    for newsletter in Newsletter.objects.exclude(digest_day=None).only(
        "time_zone", "digest_day", "digest_time"
    ):
        with _alone(newsletter):
            _plan(newsletter, planned.get(newsletter.pk), now=now)


def next_day(newsletter: Newsletter) -> str:
    """That of the next one, to be said to a reader; "" where there is none."""
    if newsletter.digest_day is None:
        return ""
    found = Digest.objects.open().filter(newsletter=newsletter).first()
    at = _time(newsletter, found, now=timezone.now())
    return day(at.astimezone(ZoneInfo(newsletter.time_zone)).date())


def _time(newsletter: Newsletter, found: Digest | None, *, now: datetime) -> datetime:
    """When its next one is due. `found`: as it is planned."""
    # One that is not of the present settings was never promised: they may have been changed this minute.
    if found and digest.upcoming(newsletter, after=found.at - INSTANT) == found.at:
        return found.at
    at = digest.upcoming(newsletter, after=now)
    settled = Digest.objects.filter(newsletter=newsletter, settled_at__isnull=False)
    if settled.filter(week=_monday(newsletter, at)).exists():
        return digest.upcoming(newsletter, after=at)  # this week has had its digest
    return at


def _plan(newsletter: Newsletter, found: Digest | None, *, now: datetime) -> None:
    at = _time(newsletter, found, now=now)
    if found and found.at == at:
        return
    row = {"at": at, "week": _monday(newsletter, at)}
    try:
        with transaction.atomic():
            if found:
                Digest.objects.open().filter(pk=found.pk, at=found.at).update(**row)
            else:
                Digest.objects.create(newsletter=newsletter, **row)
    except IntegrityError:  # another worker was first
        return
    logger.info("Newsletter %s: its next weekly digest is due at %s.", newsletter.pk, at.isoformat())


def _monday(newsletter: Newsletter, at: datetime) -> date:
    day = at.astimezone(ZoneInfo(newsletter.time_zone)).date()
    return day - timedelta(days=day.weekday())


def _settle(due: Digest) -> bool:
    """Write it, or note that there is none this week. Once, whoever else looks: the row count decides."""
    due.since = _since(due)
    mine = Digest.objects.open().filter(pk=due.pk, at=due.at)
    with transaction.atomic():
        if not mine.update(settled_at=Now(), since=due.since):
            return False
        told = _told(due)
        if why := _why_none(due, told):
            logger.info("Newsletter %s: no weekly digest for %s: %s", due.newsletter_id, due.at, why)
            return False
        issue = _scheduled(due, told)
        Digest.objects.filter(pk=due.pk).update(issue=issue)
    logger.info("Issue %s is the weekly digest of newsletter %s.", issue.pk, due.newsletter_id)
    return True


def _since(due: Digest) -> datetime:
    """Of what the last one that was sent did not tell, whatever became of it then; before the first, of a week's issues
    and those of the ones that were written in vain."""
    before = Digest.objects.filter(newsletter=due.newsletter, at__lt=due.at).order_by("at")
    if last := before.filter(issue__dispatches__audience=Dispatch.Audience.EVERYONE).last():
        return max(last.at, due.at - FURTHEST_BACK)
    in_vain = before.filter(issue__isnull=False, since__gte=due.at - FURTHEST_BACK).first()
    return in_vain.since if in_vain and in_vain.since else due.at - WEEK


def _told(due: Digest) -> list[Issue]:
    """What its readers may read: a page for readers only opens by a link out of a mail, and so needs its dispatch."""
    mailed = Dispatch.objects.filter(audience=Dispatch.Audience.EVERYONE).values("issue")
    opens = ~Q(visibility=Issue.Visibility.READERS) | Q(pk__in=mailed)
    return list(due.issues.filter(opens).select_related("newsletter").defer("body"))


def _why_none(due: Digest, told: Sequence[Issue]) -> str:
    if not told:
        return "nothing came out since the last one."
    nobodys = Issue(newsletter=due.newsletter, kind=Issue.Kind.DIGEST)
    return "" if audience.getting(nobodys, at=due.at).exists() else "nobody wants it."


def _scheduled(due: Digest, told: Sequence[Issue]) -> Issue:
    """With a plan that nobody asked for and nobody has approved: its words were, one by one."""
    issue = digest.written(due.newsletter, told, at=due.at)
    issue.save()
    publishing.schedule(issue, at=due.at)
    Plan.objects.create(
        issue=issue,
        content_hash=faces.fingerprint(issue),
        at=due.at,
        readers=audience.getting(issue, at=due.at).count(),
        asked_at=due.at,
        approved_at=due.at,
    )
    return issue
