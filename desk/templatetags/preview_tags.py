from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from desk.previewing import Face
from newsletter import team

if TYPE_CHECKING:
    from newsletter.models import Issue

register = template.Library()


@register.simple_tag(takes_context=True)
def may_see_readers(context: Any, issue: Issue | None) -> bool:
    """Whether whoever looks at this page may know who the readers are; of any newsletter, before there is an issue."""
    return team.may(context["request"].user, team.Right.READERS, issue or None)


@register.simple_tag
def faces() -> list[Face]:
    return list(Face)
