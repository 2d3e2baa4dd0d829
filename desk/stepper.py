"""Write, check, test, send, report: how far an issue is, for the line of steps above each of its pages.

Three queries: the dispatch, the latest test, and how much was accepted. What the checks say is looked up only when the
text, the test or an acceptance is another than a minute ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from delivery import preflight, proofing
from delivery.models import Dispatch, Plan, Proof
from newsletter import faces, team

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    from newsletter.models import Issue

KEPT_SECONDS = 60

DONE, ATTENTION, READY, LOCKED = "done", "attention", "ready", "locked"


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    label: str
    state: str
    note: str = ""  # what the state is, for whoever cannot see the sign
    url: str = ""  # "" where there is nothing to go to


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an issue."""

    content_hash: str
    plan: Plan | None  # the open one
    proof: Proof | None
    dispatch: Dispatch | None
    acceptances: int


def steps(issue: Issue | None, *, user: User | AnonymousUser, plan: Plan | None) -> list[Step]:
    """`plan` is the open one. Of an issue that is not saved yet, all but the first are locked."""
    if issue is None or issue.pk is None:
        later = [("check", _("Check")), ("test", _("Test")), ("send", _("Send")), ("report", _("Report"))]
        return [
            Step("write", _("Write"), READY),
            *(Step(name, label, LOCKED, _("save it first")) for name, label in later),
        ]
    facts = _facts(issue, plan)
    is_out = facts.dispatch is not None
    return [
        Step(
            "write",
            _("Write"),
            DONE if issue.body.strip() else READY,
            url=_page("admin:newsletter_issue_change", issue),
        ),
        _check(issue, facts) if not is_out else Step("check", _("Check"), DONE),
        _test(issue, facts) if not is_out else Step("test", _("Test"), DONE),
        _send(issue, facts),
        _report(issue, facts, user=user),
    ]


def _facts(issue: Issue, plan: Plan | None) -> Facts:
    return Facts(
        content_hash=faces.fingerprint(issue),
        plan=plan,
        proof=proofing.latest(issue),
        dispatch=issue.dispatches.defer("html", "text").order_by("pk").first(),
        acceptances=issue.acceptances.count(),
    )


def _check(issue: Issue, facts: Facts) -> Step:
    in_the_way, still_open = _verdict(issue, facts)
    url = _page("desk:check", issue)
    if in_the_way:
        return Step("check", _("Check"), ATTENTION, _("not ready yet"), url)
    if still_open:
        return Step("check", _("Check"), ATTENTION, _("to be looked at"), url)
    return Step("check", _("Check"), DONE, _("all is well"), url)


def _verdict(issue: Issue, facts: Facts) -> tuple[int, int]:
    tested = facts.proof.pk if facts.proof else 0
    at = issue.scheduled_at.timestamp() if issue.scheduled_at else 0
    key = f"verdict:{issue.pk}:{facts.content_hash}:{tested}:{facts.acceptances}:{at}"
    kept: tuple[int, int] | None = cache.get(key)
    if kept is None:
        report = preflight.report(issue)
        kept = len(report.in_the_way), len(report.open)
        cache.set(key, kept, KEPT_SECONDS)
    return kept


def _test(issue: Issue, facts: Facts) -> Step:
    url = _page("desk:test", issue)
    if facts.proof is None:
        return Step("test", _("Test"), READY, _("no test mail yet"), url)
    if facts.proof.content_hash != facts.content_hash:
        return Step("test", _("Test"), ATTENTION, _("out of date"), url)
    return Step("test", _("Test"), DONE, _("of this text"), url)


def _send(issue: Issue, facts: Facts) -> Step:
    needs_approval = issue.newsletter.needs_second_person and not (facts.plan and facts.plan.approved_at)
    label = _("Approve") if needs_approval and not facts.dispatch else _("Send")
    if facts.dispatch:
        return Step("send", label, DONE)
    url = _page("desk:send", issue)
    if facts.plan is None:
        return Step("send", label, READY, _("not planned yet"), url)
    if facts.plan.approved_at is None:
        return Step("send", label, ATTENTION, _("waits for an approval"), url)
    return Step("send", label, DONE, _clock(issue, facts.plan), url)


def _report(issue: Issue, facts: Facts, *, user: User | AnonymousUser) -> Step:
    if facts.dispatch is None:
        return Step("report", _("Report"), LOCKED, _("when it goes out"))
    may_watch = team.may(user, team.Right.WATCH, issue)
    url = reverse("delivery:dispatch", args=[facts.dispatch.pk]) if may_watch else ""
    is_done = facts.dispatch.state == Dispatch.State.SENT
    return Step(
        "report", _("Report"), DONE if is_done else ATTENTION, facts.dispatch.get_state_display(), url
    )


def _clock(issue: Issue, plan: Plan) -> str:
    if plan.at is None:
        return ""
    return date_format(plan.at.astimezone(ZoneInfo(issue.newsletter.time_zone)), "D j M, H:i")


def _page(name: str, issue: Issue) -> str:
    return reverse(name, args=[issue.pk])
