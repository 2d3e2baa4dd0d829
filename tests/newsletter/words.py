"""What an editor wrote, and what was found in it."""

from __future__ import annotations

from newsletter.preflight import Finding, Level
from newsletter.preflight.reading import Copy


def copy(body: str = "<p>Good morning.</p>", **fields: str) -> Copy:
    plain = {"subject": "The tide keeps its own clock", "preheader": "Fifty minutes late"}
    return Copy(**plain | {"body": body} | fields)


def codes(found: list[Finding]) -> list[str]:
    return [each.code for each in found if each.level != Level.FINE]
