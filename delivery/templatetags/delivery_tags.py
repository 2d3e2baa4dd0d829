from __future__ import annotations

from django import template
from django.conf import settings

from delivery import epoch

register = template.Library()


@register.inclusion_tag("delivery/_frozen.html")
def frozen_notice() -> dict[str, str]:
    """On every page of the desk while nothing may go out."""
    return {"reason": epoch.frozen(), "host": settings.SITE_HOST}
