"""What somebody at the desk sees first: what is due, going out, gone out, failing, and how the readership goes.

Every question is answered by an index or by a few rows, never by counting an audience: this page is opened all day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Q
from django.utils import timezone

from delivery import courses, planning
from delivery.models import Alarm, Answer, Digest, Dispatch, Plan
from desk import growth
from newsletter import team
from newsletter.models import Issue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

    from newsletter.models import Newsletter

SHOWN = 6  # of each kind
RUNNING = (Dispatch.State.PREPARING, Dispatch.State.SENDING, Dispatch.State.PAUSED)
ENDED = (Dispatch.State.SENT, Dispatch.State.STOPPED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An issue that somebody asked to send, and nobody has approved yet."""

    plan: Plan
    by_me: bool

    @property
    def asked_by(self) -> str:
        return planning.name(self.plan.asked_by) if self.plan.asked_by else ""


@dataclass(frozen=True, slots=True)
class Course(courses.Course):
    """How a dispatch goes, and what its readers say."""

    answers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Home:
    newsletters: Sequence[Newsletter]
    may_write: bool
    waiting: Sequence[Waiting]
    due: Sequence[Issue]
    digests: Sequence[Digest]  # the next one of each newsletter whose readers want it
    running: Sequence[Course]
    lately: Sequence[Course]
    alarms: Sequence[Alarm]
    drafts: Sequence[Issue]
    growth: Sequence[growth.Growth]
    first_steps: Sequence[tuple[str, bool]]  # (which, done); empty once the first issue has gone out
    now: datetime


def home(user: User) -> Home:
    newsletters = list(team.newsletters(user, team.Right.SEE))
    issues = Issue.objects.filter(newsletter__in=newsletters).select_related("newsletter").defer("body")
    digests = Digest.objects.open().filter(newsletter__in=newsletters, newsletter__weekly_readers__gt=0)
    watched = [each for each in newsletters if team.may(user, team.Right.WATCH, each)]
    waiting = _waiting(newsletters, user)
    drafts = _drafts(issues, but_for=[each.plan.issue_id for each in waiting])
    lately = _with_answers(of(watched).filter(state__in=ENDED).order_by("-finished_at")[:SHOWN])
    return Home(
        newsletters=newsletters,
        may_write=team.may(user, team.Right.WRITE),
        waiting=waiting,
        due=list(issues.filter(status=Issue.Status.SCHEDULED).order_by("scheduled_at", "pk")[:SHOWN]),
        digests=list(digests.select_related("newsletter").order_by("at", "pk")[:SHOWN]),
        running=running(watched),
        lately=lately,
        alarms=_alarms(watched),
        drafts=drafts,
        growth=growth.of(newsletters),
        first_steps=[] if lately else _first_steps(newsletters, has_draft=bool(drafts or waiting)),
        now=timezone.now(),
    )


def running(newsletters: Iterable[Newsletter]) -> list[Course]:
    """What goes out at this moment, or is paused on its way."""
    return _with_answers(of(newsletters).filter(state__in=RUNNING).order_by("-started_at")[:SHOWN])


def of(newsletters: Iterable[Newsletter]) -> QuerySet[Dispatch]:
    those = Dispatch.objects.filter(issue__newsletter__in=newsletters)
    return those.select_related("issue__newsletter").defer("html", "text", "issue__body")


def _with_answers(dispatches: Iterable[Dispatch]) -> list[Course]:
    """Three queries for all of them."""
    found = courses.of(dispatches)
    answers = _answers([each.dispatch for each in found])
    return [
        Course(
            each.dispatch,
            each.accepted,
            each.refused,
            each.uncertain,
            answers.get(each.dispatch.issue_id, {}),
        )
        for each in found
    ]


def _answers(those: Sequence[Dispatch]) -> dict[int, dict[str, int]]:
    """How many said what, in words, the best first."""
    rows = Answer.objects.filter(issue__in=[each.issue_id for each in those]).order_by()
    counted = dict(_pairs(rows.values_list("issue", "verdict").annotate(count=Count("pk"))))
    found: dict[int, dict[str, int]] = {}
    for verdict in Answer.Verdict:
        for issue_id in {each.issue_id for each in those}:
            if count := counted.get((issue_id, verdict.value)):
                found.setdefault(issue_id, {})[str(verdict.label)] = count
    return found


def _pairs(rows: Iterable[tuple[int, str, int]]) -> Iterator[tuple[tuple[int, str], int]]:
    return (((issue_id, verdict), count) for issue_id, verdict, count in rows)


def _waiting(newsletters: Sequence[Newsletter], user: User) -> list[Waiting]:
    asked = Plan.objects.filter(issue__newsletter__in=newsletters, approved_at=None, ended_at=None)
    plans = asked.select_related("issue__newsletter", "asked_by").defer("issue__body")
    found = plans.order_by("at", "pk")[:SHOWN]
    return [Waiting(plan, by_me=not planning.objection(plan, user)) for plan in found]


def _drafts(issues: QuerySet[Issue], *, but_for: Sequence[int]) -> list[Issue]:
    """What waits for an approval is a draft still, and is listed where it waits; a digest that was not sent is nobody's
    to write, and its alarm leads to it until a later one has told of it."""
    drafts = issues.filter(status=Issue.Status.DRAFT, kind=Issue.Kind.ISSUE).exclude(pk__in=but_for)
    return list(drafts.order_by("-updated_at", "-pk")[:SHOWN])


def _alarms(newsletters: Sequence[Newsletter]) -> list[Alarm]:
    """Sudden leavings and attack mode have lines of their own, for who may see the readers."""
    mine = Q(issue__newsletter__in=newsletters) | Q(newsletter__in=newsletters)
    others = Alarm.objects.open().exclude(kind__in=[Alarm.Kind.BURST, Alarm.Kind.SIEGE])
    found = others.filter(mine).select_related("issue__newsletter", "newsletter", "dispatch")
    return list(found.defer("issue__body", "dispatch__html", "dispatch__text").order_by("-raised_at")[:SHOWN])


def _first_steps(newsletters: Sequence[Newsletter], *, has_draft: bool) -> list[tuple[str, bool]]:
    has_readers = any(each.active_readers for each in newsletters)
    return [("newsletter", bool(newsletters)), ("readers", has_readers), ("issue", has_draft)]
