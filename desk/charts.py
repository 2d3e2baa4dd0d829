"""Small charts as SVG, drawn by us: no script, no style of their own, and words beside them for who cannot see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 320, 72
EDGE = 4  # so that a line at the top or the bottom is not cut in half


@dataclass(frozen=True, slots=True)
class Line:
    """A line chart, as a template needs it: `path` for the line, `area` for what lies below it."""

    path: str
    area: str
    last: tuple[float, float]
    low: int
    high: int
    width: int = WIDTH
    height: int = HEIGHT


def line(values: Sequence[int]) -> Line | None:
    """Nothing where there are not two points to draw a line between."""
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    points = [
        (_across(place, len(values)), _up(value, low=low, high=high)) for place, value in enumerate(values)
    ]
    path = "M" + "L".join(f"{across} {up}" for across, up in points)
    return Line(path, f"{path}L{WIDTH - EDGE} {HEIGHT}L{EDGE} {HEIGHT}Z", points[-1], low, high)


def _across(place: int, count: int) -> float:
    return round(EDGE + (WIDTH - 2 * EDGE) * place / (count - 1), 1)


def _up(value: int, *, low: int, high: int) -> float:
    """A readership that stands still is a line in the middle."""
    share = (value - low) / (high - low) if high > low else 0.5
    return round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * share, 1)
