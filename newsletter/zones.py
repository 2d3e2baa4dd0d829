"""Time zones as people look for them: the frequent ones, then by region and town."""

from __future__ import annotations

import zoneinfo
from itertools import groupby

from django.utils.translation import gettext as _

OFTEN = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Madrid",
    "Europe/Warsaw",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
)
# Whoever lives anywhere lives in one of these; the others are old spellings, offsets and the database's own.
REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
Group = tuple[str, list[tuple[str, str]]]


def groups(*, chosen: str = "") -> list[Group]:
    """Choices for a select. `chosen` is what is stored: it stays there to be chosen, whatever it is."""
    towns = sorted(name for name in zoneinfo.available_timezones() if name.partition("/")[0] in REGIONS)
    found: list[Group] = [(_("Often chosen"), [(name, in_words(name)) for name in OFTEN])]
    found += [
        (region, [(name, town(name)) for name in names])
        for region, names in groupby(towns, key=lambda name: name.partition("/")[0])
    ]
    if chosen and not any(chosen == name for _region, names in found for name, _words in names):
        found.insert(0, (_("As it is now"), [(chosen, in_words(chosen))]))
    return found


def in_words(name: str) -> str:
    """ "Berlin (Europe)": begins with what is typed to find it."""
    region, _slash, _rest = name.partition("/")
    return name if region == name else f"{town(name)} ({region})"


def town(name: str) -> str:
    """ "Buenos Aires, Argentina" of America/Argentina/Buenos_Aires; "UTC" has none, and stays."""
    return ", ".join(reversed(name.split("/")[1:])).replace("_", " ") or name
