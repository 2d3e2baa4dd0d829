from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from desk import stepper as line
from desk import timing
from newsletter import team

if TYPE_CHECKING:
    from newsletter.models import Issue

register = template.Library()


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
