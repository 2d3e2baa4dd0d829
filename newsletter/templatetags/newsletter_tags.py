from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.utils.translation import gettext as _

from newsletter import claims, faces, rendering

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from newsletter.models import Newsletter

register = template.Library()
register.filter("readers_claim", claims.readers_claim)


@register.simple_tag
def subscribe_box(newsletter: Newsletter) -> SafeString:
    """The box that an issue's text may hold, for the pages around it."""
    return rendering.subscribe_box(
        faces.web_masthead(newsletter),
        strapline=_("Have %s sent to you.") % newsletter.name,
        action=f"{newsletter.get_absolute_url()}subscribe/",
    )
