"""Whether what somebody approved still stands: people leave, and rules are made stricter, after a plan was approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from newsletter import digest, presence, team

if TYPE_CHECKING:
    from delivery.models import Plan


def lapsed(plan: Plan) -> str:
    """Why its approval does not hold any more, though the text is still what was approved; "" while it holds."""
    newsletter, approver = plan.issue.newsletter, plan.approved_by
    if _is_of_itself(plan):
        return ""
    if approver is None and plan.asked_by_id:  # where a command approves, it has asked as well
        return _("Whoever approved it is not here any more. Somebody has to approve it anew.")
    if approver and not team.may(approver, team.Right.SEND, newsletter):
        words = _("%(who)s approved it, and may not send any more. Somebody who may has to approve it anew.")
        return words % {"who": presence.name(approver)}
    if newsletter.needs_second_person and plan.asked_by_id == plan.approved_by_id:
        words = _(
            "One person alone had approved it, and %(newsletter)s now asks for a second. Ask for it anew."
        )
        return words % {"newsletter": newsletter.name}
    return ""


def _is_of_itself(plan: Plan) -> bool:
    """A digest that nobody has touched: each word of it was approved in its own issue, and nobody approves it again."""
    is_ours = plan.asked_by_id is None and plan.approved_by_id is None
    return is_ours and digest.is_untouched(plan.issue)
