"""How an issue comes to go out: somebody asks for it, somebody approves it, and at its time it begins.

What is approved is a plan: exactly this text, these readers and this time. Its issue is scheduled as long as the plan
is open and approved; "now" is a time, too, a minute away, in which it can be taken back. Whatever changes the text ends
the plan, in the same transaction. Every verb holds the issue's row first, so that no two decide at once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from delivery import approvals, preflight
from delivery.exceptions import AlreadyDispatched, CannotStart
from delivery.models import Plan
from newsletter import faces, presence, publishing, team
from newsletter.models import Issue

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from django.contrib.auth.models import User

    from newsletter.models import Newsletter

logger = logging.getLogger(__name__)

News = Plan.News


class Refused(Exception):
    """It must not be done; nothing was. The message says why, and what to do."""


class PlannedAlready(Refused):
    """Somebody was first: the second of two clicks, another tab, another person."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(_("This issue is planned already. Nothing was changed."))
        self.plan = plan


@dataclass(frozen=True, slots=True)
class Seen:
    """What stood on the page on which somebody pressed: exactly this is asked for, or approved."""

    content_hash: str
    at: datetime | None  # None: a minute after it is approved
    readers: int
    plan_id: int | None = None  # the open plan, if there was one


def ask(issue: Issue, *, seen: Seen, by: User | None, undo: timedelta | None = None) -> Plan:
    """Ask for it to go out; whoever may decide that alone has approved it with the same press.

    In place of the open plan that was seen, if one was. `by` is None for a command; `undo` is for how long it can be
    taken back at least. Raises Refused, and AlreadyDispatched.
    """
    with transaction.atomic():
        held, now = _held(issue)
        _check_page(held, seen)
        _check_time(seen.at, now=now)
        # A command shows what it warns of, and goes on: nobody is there to accept it.
        _check_content(held, at=seen.at or now + undo_time(), is_strict=by is not None)
        alone = decides_alone(held.newsletter, by)
        if seen.plan_id:
            _replace(held, seen.plan_id, by=by)
        plan = Plan.objects.create(
            issue=held,
            content_hash=seen.content_hash,
            at=seen.at,
            readers=seen.readers,
            asked_by=by,
            asked_at=now,
            news="" if alone else News.ASKED,
            news_due_at=None if alone else now,
        )
        if alone:
            _approve(plan, held, by=by, now=now, undo=undo)
    logger.info("Issue %s: plan %s asked for by %s.", issue.pk, plan.pk, name(by))
    return plan


def approve(issue: Issue, *, seen: Seen, by: User) -> Plan:
    """Exactly what was seen, and nothing that was changed since. Raises Refused, and AlreadyDispatched."""
    with transaction.atomic():
        held, now = _held(issue)
        plan = _open(held)
        if plan is None or plan.pk != seen.plan_id:
            raise Refused(_gone(held))
        if plan.approved_at:
            raise PlannedAlready(plan)
        as_planned = Seen(plan.content_hash, plan.at, plan.readers, plan.pk)
        if seen != as_planned or faces.fingerprint(held) != plan.content_hash:
            raise Refused(_stale())
        if words := objection(plan, by):
            raise Refused(words)
        _check_time(plan.at, now=now)
        _check_content(held, at=plan.at or now + undo_time(), is_strict=True)
        _approve(plan, held, by=by, now=now)
    logger.info("Issue %s: plan %s approved by %s.", issue.pk, plan.pk, name(by))
    return plan


def withdraw(issue: Issue, *, plan_id: int, by: User | None, words: str = "") -> Plan:
    """Undo, unschedule, take back, decline: the issue is a draft again. Raises Refused, and AlreadyDispatched."""
    with transaction.atomic():
        held, _now = _held(issue)
        plan = _open(held)
        if plan is None or plan.pk != plan_id:
            raise Refused(_gone(held))
        _end(plan, because=_because(plan, by, words=words), by=by, news=News.ENDED)
        publishing.call_back(held)
    logger.info("Issue %s: plan %s taken back by %s.", issue.pk, plan.pk, name(by))
    return plan


def void(issue: Issue, *, because: str, by: User | None) -> Plan | None:
    """An edit that matters: what was approved is not what would go out. The plan that it ended, if there was one.

    Within the transaction of the edit, which holds the issue's row.
    """
    plan = issue.plans.open().exclude(content_hash=faces.fingerprint(issue)).first()
    return _voided(plan, issue, because=because, by=by) if plan else None


def recheck(issue: Issue) -> Plan | None:
    """Who may approve has changed: what nobody could approve like this any more ends. The plan, if there was one.

    Within a transaction that holds the issue's row.
    """
    plan = _open(issue)
    because = approvals.lapsed(plan) if plan and plan.approved_at else ""
    return _voided(plan, issue, because=because, by=None) if plan and because else None


def _voided(plan: Plan, issue: Issue, *, because: str, by: User | None) -> Plan | None:
    if not _end(plan, because=because, by=by, news=News.ENDED):
        return None
    publishing.call_back(issue)
    logger.info("Issue %s: plan %s has ended: %s", issue.pk, plan.pk, because)
    return plan


def give_back(issue: Issue, *, because: str) -> bool:
    """A draft again, since it could not begin. False when its schedule is not the one that was seen any more."""
    with transaction.atomic():
        if not publishing.unschedule(issue):
            return False
        issue.plans.open().end(because=because, news=News.ENDED)  # the sweep finds whom to tell
        return True


def approved(issue: Issue) -> Plan:
    """By what an issue that is due begins. Raises CannotStart when nobody has approved it for this time."""
    plans = issue.plans.open().filter(at=issue.scheduled_at).exclude(approved_at=None)
    plan = plans.select_related("approved_by").first()
    if plan is None:
        raise CannotStart(_("Nobody has approved it for this time. Schedule it once more."))
    plan.issue = issue
    if words := approvals.lapsed(plan):
        raise CannotStart(words)
    if plan.content_hash != faces.fingerprint(issue):
        raise CannotStart(_("It is not what was approved any more. Look at it, and schedule it once more."))
    return plan


def decides_alone(newsletter: Newsletter, by: User | None) -> bool:
    """Whether one press asks and approves. A command counts as somebody who may send."""
    if newsletter.needs_second_person:
        return False
    return by is None or team.may(by, team.Right.SEND, newsletter)


def objection(plan: Plan, by: User) -> str:
    """Why this person cannot approve it, in words; "" when they can."""
    issue = plan.issue
    if not team.may(by, team.Right.SEND, issue):
        return _("Somebody who may send has to approve it.")
    if not issue.newsletter.needs_second_person:
        return ""
    if plan.asked_by_id == by.pk:
        return _("You asked for it, so somebody else has to approve it.")
    if issue.edited_by_id == by.pk:
        return _("The last word in it is yours, so somebody else has to approve it.")
    return ""


def name(user: User | None) -> str:
    """As the history shows a person; a command has none."""
    return presence.name(user) or "manage.py"


def undo_time() -> timedelta:
    found: timedelta = settings.SEND_UNDO
    return found


def _held(issue: Issue) -> tuple[Issue, datetime]:
    """The issue as it is now, its row ours until the end of the transaction, and the database's time."""
    rows = Issue.objects.select_for_update(of=("self",)).select_related("newsletter").annotate(now=Now())
    held = rows.get(pk=issue.pk)
    if earlier := held.dispatches.first():
        raise AlreadyDispatched(earlier.pk)
    if held.status not in {Issue.Status.DRAFT, Issue.Status.SCHEDULED}:
        raise Refused(_("This issue is no longer a draft."))
    return held, held.now  # type: ignore[attr-defined]  # by annotate


def _open(issue: Issue) -> Plan | None:
    plan: Plan | None = issue.plans.open().select_related("asked_by", "approved_by", "ended_by").first()
    if plan:
        plan.issue = issue
    return plan


def _check_page(issue: Issue, seen: Seen) -> None:
    plan = _open(issue)
    if plan and plan.pk != seen.plan_id:
        raise PlannedAlready(plan)
    if plan is None and seen.plan_id:
        raise Refused(_gone(issue))
    if plan is None and issue.status == Issue.Status.SCHEDULED:
        publishing.call_back(issue)  # by whatever was before plans: this press decides anew
    if seen.content_hash != faces.fingerprint(issue):
        raise Refused(_stale())


def _check_time(at: datetime | None, *, now: datetime) -> None:
    if at and at <= now:
        raise Refused(_("That time has passed. Choose another one."))


def _check_content(issue: Issue, *, at: datetime, is_strict: bool) -> None:
    report = preflight.report(issue, at)
    if report.in_the_way:
        raise Refused(" ".join(finding.text for finding in report.in_the_way))
    if is_strict and report.open:
        raise Refused(_("There are warnings that nobody has accepted yet. Look at the checks first."))


def _approve(
    plan: Plan, held: Issue, *, by: User | None, now: datetime, undo: timedelta | None = None
) -> None:
    at = max(plan.at or now, now + (undo_time() if undo is None else undo))
    has_news = plan.asked_by_id is not None and by is not None and plan.asked_by_id != by.pk
    plan.approved_by, plan.approved_at, plan.at = by, now, at
    plan.news, plan.news_due_at = (News.APPROVED, now) if has_news else ("", None)
    plan.save(update_fields=["approved_by", "approved_at", "at", "news", "news_due_at"])
    if not publishing.schedule(held, at=at):
        raise Refused(_("This issue is no longer a draft."))


def _replace(held: Issue, plan_id: int, *, by: User | None) -> None:
    """Another time is another plan: it is asked for and approved like the first."""
    because = _("%(who)s chose another time.") % {"who": name(by)}
    held.plans.filter(pk=plan_id).end(because=because, by=by)
    publishing.call_back(held)


def _end(plan: Plan, *, because: str, by: User | None, news: str) -> bool:
    others = {plan.asked_by_id, plan.approved_by_id} - {None, by.pk if by else None}
    ended = Plan.objects.filter(pk=plan.pk).end(because=because, by=by, news=news if others else "")
    plan.refresh_from_db()
    return ended


def _because(plan: Plan, by: User | None, *, words: str) -> str:
    is_anothers = not plan.approved_at and by is not None and plan.asked_by_id != by.pk
    said = _("%(who)s declined it.") if is_anothers else _("%(who)s took it back.")
    return f"{said % {'who': name(by)}} {words.strip()}".strip()


def _gone(issue: Issue) -> str:
    """Why the plan that somebody saw is not there any more."""
    last = issue.plans.exclude(ended_at=None).order_by("-ended_at", "-pk").first()
    words = last.ended_because if last else ""
    return " ".join(filter(None, [_("Nothing was changed: what you saw is no longer planned."), words]))


def _stale() -> str:
    return _("The issue has been changed since this page was opened. Look at it once more.")
