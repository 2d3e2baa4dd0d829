from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from newsletter import team
from subscribers import guard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subscribers.models import Siege

register = template.Library()


@register.simple_tag
def sieges_of(user: Any) -> Sequence[Siege]:
    """That go on at this moment, in the newsletters whose readers this person may see."""
    return list(guard.sieges.of(team.newsletters(user, team.Right.READERS)).filter(ended_at=None))


@register.filter
def letters_an_hour(siege: Siege) -> int:
    return guard.sieges.ceiling(siege.usual)
