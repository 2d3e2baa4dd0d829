from __future__ import annotations

import zoneinfo
from datetime import datetime

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext

from delivery import digests, epoch

register = template.Library()
register.filter("next_digest", digests.next_day)


@register.inclusion_tag("delivery/_frozen.html")
def frozen_notice() -> dict[str, str]:
    """On every page of the desk while nothing may go out."""
    return {"reason": epoch.frozen(), "host": settings.SITE_HOST}


@register.filter(expects_localtime=True)
def moment(value: datetime | None) -> str:
    """Every time on the desk is said like this, by the clock of the page's zone: "22 November 2026, 06:30 GMT"."""
    return date_format(timezone.localtime(value), "j F Y, H:i T") if value else ""


@register.filter
def in_zone(value: datetime | None, zone: str) -> str:
    """The same by a newsletter's own clock, where a page shows several of them."""
    return date_format(value.astimezone(zoneinfo.ZoneInfo(zone)), "j F Y, H:i T") if value else ""


@register.filter
def ahead(value: datetime, now: datetime) -> str:
    """ "in 3 hours", of what begins at that time; within the last minute it is "in a moment"."""
    if value <= now:
        return gettext("now")
    if (value - now).total_seconds() < 60:
        return gettext("in a moment")
    return gettext("in %(time)s") % {"time": timeuntil(value, now)}


@register.filter
def ago(value: datetime) -> str:
    """ "3 hours ago"; what happened within the last minute is "just now"."""
    if (timezone.now() - value).total_seconds() < 60:
        return gettext("just now")
    return gettext("%(time)s ago") % {"time": timesince(value)}
