"""Whether a domain takes mail at all. Only a clear no refuses: what nobody can say is taken for a yes.

A page never looks anything up: a name server that answers slowly, or never, would hold the page for as long as whoever
owns it likes. A worker does (`takes_mail`), before anything is written or sent, and what it learns is kept for days and
shared through Redis: the next who types such a domain is told at the field (`is_known_to_refuse`). The answer is about
a domain, never about a person.
"""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial

from django.conf import settings

from newsletter.linkcheck import domains
from newsletter.linkcheck.probing import ALWAYS_THERE, Halt, Outcome
from subscribers.guard import tallies

SECONDS = 1.0  # for one question
KEPT, KEPT_REFUSAL = timedelta(days=7), timedelta(days=1)  # a new domain may be set up today
KEPT_SILENCE = timedelta(minutes=10)  # or a name server that never answers would be asked for each
TOLD, MOST_TOLD = 3.0, 10_000  # seconds; domains
NO_MAIL = "0 ."  # RFC 7505: an MX record that says so

Ask = domains.Ask


# What this process was told of a domain a moment ago: most readers share a few.
_told: dict[str, tuple[bool, float]] = {}  # whether it refuses; until when (monotonic)


def is_known_to_refuse(domain: str) -> bool:
    refuses, until = _told.get(domain, (False, 0.0))
    if time.monotonic() < until:
        return refuses
    refuses = tallies.kept(_key(domain)) is False
    if len(_told) >= MOST_TOLD:
        _told.clear()
    _told[domain] = (refuses, time.monotonic() + TOLD)
    return refuses


def forget() -> None:
    _told.clear()


def takes_mail(domain: str, *, ask: Ask | None = None) -> bool:
    """Looks it up, in at most some seconds, where it is not known yet. Not in a transaction, not in a page."""
    known = tallies.kept(_key(domain))
    if known is not None or not settings.LINK_CHECKS:
        return known is not False
    takes = _asked(domain, ask=ask or partial(domains.ask, seconds=SECONDS))
    within = KEPT_SILENCE if takes is None else KEPT if takes else KEPT_REFUSAL
    tallies.keep(_key(domain), takes is not False, within=within)
    _told.pop(domain, None)
    return takes is not False


def _asked(domain: str, *, ask: Ask) -> bool | None:
    """None: nobody can say."""
    try:
        return ask(domain, "MX") != [NO_MAIL]
    except Halt as halt:
        if halt.found.outcome != Outcome.BROKEN:
            return None
    try:  # no such domain, says a resolver that may know nothing of the world
        return False if ask(ALWAYS_THERE, "A") else None
    except Halt:
        return None


def _key(domain: str) -> str:
    return f"mail:{tallies.digest(domain)}"
