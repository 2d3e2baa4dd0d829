"""What may be offered to whoever looks: `perms` knows no object, and what one may do differs by newsletter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from newsletter import team

if TYPE_CHECKING:
    from django.template.context import RequestContext

register = template.Library()


@register.simple_tag(takes_context=True)
def may(context: RequestContext, right: str, of: Any) -> bool:
    """`{% may "SEND" issue as may_send %}`: a name of team.Right, and a newsletter or what belongs to one."""
    return team.may(context["request"].user, team.Right[right], of)
