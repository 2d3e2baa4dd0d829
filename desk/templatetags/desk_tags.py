from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from desk import stepper as line
from desk import timing
from newsletter import presence, team

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from newsletter.models import Issue

register = template.Library()


@register.filter
def person(user: User | None) -> str:
    """By name, as everywhere at the desk; whoever has none, by what they log in with."""
    return presence.name(user)


@register.inclusion_tag("desk/_stepper.html", takes_context=True)
def stepper(context: template.Context, issue: Issue | None, current: str) -> dict[str, Any]:
    """The steps of an issue, and below them what is planned, with Undo; `current` is the one whose page this is."""
    request = context["request"]
    if not issue or issue.pk is None:
        return {"steps": line.steps(None, user=request.user, plan=None), "current": current}
    standing = timing.standing(issue)
    return {
        "steps": line.steps(issue, user=request.user, plan=standing.plan if standing else None),
        "current": current,
        "issue": issue,
        "newsletter": issue.newsletter,
        "standing": standing,
        # The page of sending says in its own words what waits for an approval.
        "shows_plan": standing and (standing.plan.approved_at or current != "send"),
        "may_undo": standing and team.may(request.user, team.Right.WRITE, issue),
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("desk/_steps.html", takes_context=True)
def steps_again(context: template.Context, issue: Issue, current: str) -> dict[str, Any]:
    """The steps once more, with a live part whose news is theirs as well: htmx puts them where the first are."""
    standing = timing.standing(issue)
    plan = standing.plan if standing else None
    found = line.steps(issue, user=context["request"].user, plan=plan)
    return {"steps": found, "current": current, "is_again": True}
