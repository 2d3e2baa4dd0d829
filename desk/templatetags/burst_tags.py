from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import template
from django.utils.translation import gettext as _

from newsletter import team
from subscribers import bursts
from subscribers.models import Burst

if TYPE_CHECKING:
    from collections.abc import Sequence

register = template.Library()

SHOWN = 6
TWO_MINUTES, TWO_HOURS, TWO_DAYS = 120, 7200, int(timedelta(days=2).total_seconds())


@register.simple_tag
def bursts_of(user: Any) -> Sequence[Burst]:
    """That nobody has looked at yet, in the newsletters whose readers this person may see."""
    found = bursts.of(team.newsletters(user, team.Right.READERS))
    return list(found.filter(state=Burst.State.OPEN)[:SHOWN])


@register.filter
def waited(seconds: int) -> str:
    """How long after its mail somebody left: to the second where that tells a machine from a person."""
    if seconds < TWO_MINUTES:
        return _("%(count)s s") % {"count": seconds}
    if seconds < TWO_HOURS:
        return _("%(count)s min") % {"count": seconds // 60}
    if seconds < TWO_DAYS:
        return _("%(count)s h") % {"count": seconds // 3600}
    return _("%(count)s days") % {"count": seconds // 86400}
