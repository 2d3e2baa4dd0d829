"""What a program measured, against what was asked for: lines of a Markdown table, as docs/performance.md has them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field

READERS = 114_000


@dataclass
class Table:
    title: str
    lines: list[tuple[str, str, str, str]] = field(default_factory=list)
    is_short: bool = False  # something fell short of its target

    def note(self, figure: str, measured: str) -> None:
        """A figure without a target."""
        self.lines.append((figure, measured, "", ""))

    def at_least(self, figure: str, value: float, target: float, *, form: str = "{:.2f}") -> None:
        self._judge(figure, form.format(value), "≥ " + form.format(target), is_met=value >= target)

    def at_most(self, figure: str, value: float, target: float, *, form: str = "{:.2f}") -> None:
        self._judge(figure, form.format(value), "≤ " + form.format(target), is_met=value <= target)

    def _judge(self, figure: str, measured: str, target: str, *, is_met: bool) -> None:
        self.lines.append((figure, measured, target, "yes" if is_met else "**no**"))
        self.is_short = self.is_short or not is_met

    def show(self, *, is_strict: bool) -> None:
        """Print it; when strict, a target that was missed ends the program with an error."""
        rows = [("figure", "measured", "target", "met"), ("---", "---:", "---:", "---"), *self.lines]
        widths = [max(len(row[place]) for row in rows) for place in range(4)]
        print(f"\n{self.title}\n")
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print(f"| {' | '.join(cells)} |")
        print(flush=True)
        if is_strict and self.is_short:
            raise SystemExit(1)


def options(description: str | None, *, readers: int = READERS) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--readers", type=int, default=readers)
    parser.add_argument("--strict", action="store_true", help="exit with an error when a target is missed")
    return parser


def mb(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"
